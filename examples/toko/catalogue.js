// What the shop sells: every good in every make and pack. No chance is involved, so an id means the same product everywhere.

const goods = [
  ['Kopi Gayo', 'single-origin coffee from the highlands of Aceh'],
  ['Kopi Toraja', 'full-bodied coffee from Sulawesi'],
  ['Teh Melati', 'green tea scented with jasmine'],
  ['Teh Hitam', 'black tea from the slopes of West Java'],
  ['Gula Aren', 'palm sugar with a taste of caramel'],
  ['Sambal Terasi', 'chilli relish with shrimp paste'],
  ['Sambal Matah', 'raw shallot and lemongrass relish from Bali'],
  ['Kecap Manis', 'sweet soy sauce'],
  ['Kerupuk Udang', 'prawn crackers, ready to fry'],
  ['Beras Merah', 'unpolished red rice'],
  ['Minyak Kelapa', 'cold-pressed coconut oil'],
  ['Madu Hutan', 'wild honey from Sumbawa'],
  ['Cokelat Bali', 'dark chocolate, bean to bar'],
  ['Kayu Manis', 'cinnamon sticks from Kerinci'],
  ['Pala Banda', 'whole nutmeg from the Banda islands'],
  ['Cengkeh', 'cloves, hand-picked and sun-dried'],
  ['Keripik Tempe', 'crisp slices of fermented soybean'],
  ['Dendeng Sapi', 'sweet dried beef'],
  ['Abon Ayam', 'fine chicken floss'],
  ['Sirup Markisa', 'passion fruit syrup from Makassar'],
];
const brands = [
  'Bahtera',
  'Nusantara',
  'Samudra',
  'Layar',
  'Pelabuhan',
  'Kemudi',
  'Jangkar',
  'Dermaga',
  'Mercusuar',
  'Perahu',
];
const packs = [
  ['100 g', 1],
  ['250 g', 2.4],
  ['500 g', 4.6],
  ['1 kg', 9],
  ['gift box', 6],
];
const grades = [
  ['Biasa', 1],
  ['Pilihan', 1.6],
];

/** Yields {id, name, brand, description, price (rupiah), stock}; ids run from 1 without a gap. */
export function* products() {
  let id = 0;
  for (const [good, what] of goods) {
    for (const brand of brands) {
      for (const [grade, factor] of grades) {
        for (const [pack, size] of packs) {
          id += 1;
          yield {
            id,
            name: `${good} ${grade} ${pack}`,
            brand,
            description: `${brand}'s ${what}, ${pack}`,
            price: Math.round((9 + (id % 17)) * size * factor) * 1000,
            stock: (id * 7919) % 250,
          };
        }
      }
    }
  }
}
