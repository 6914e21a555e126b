import { expectation, sizeText } from '../../src/spec/table/expectation.ts';
import type { Kind } from '../../src/spec/table/shape.ts';
import { indonesianTexts } from './indonesian.ts';

/** What the manual's tables say in one language. */
export interface Language {
  readonly top: string;
  readonly head: readonly string[];
  readonly required: string;
  readonly ignored: string;
  readonly refused: string;
  kind(kind: Kind): string;
  /** A text of the field tables. */
  says(text: string): string;
}

const english: Language = {
  top: 'The file',
  head: ['Field', 'Takes', 'For types', 'Default', 'Meaning'],
  required: 'required',
  ignored: 'Ignored, with a warning that names it:',
  refused: 'Refused by name:',
  kind: (kind) =>
    kind.kind === 'choice'
      ? choice(kind, 'refused by name')
      : expectation(kind).replace(/^a list of mappings$/, 'a list'),
  says: (text) => text,
};

const indonesian: Language = {
  top: 'Berkasnya',
  head: ['Bidang', 'Isi', 'Untuk jenis', 'Bawaan', 'Arti'],
  required: 'wajib',
  ignored: 'Diabaikan, dengan peringatan yang menyebut namanya:',
  refused: 'Ditolak dengan menyebut namanya:',
  kind: indonesianKind,
  says(text) {
    // Names, numbers and sizes are the same in every language.
    if (/^[\w.-]+$|^`[^`]*`$/.test(text) && !indonesianTexts.has(text)) return text;
    const translated = indonesianTexts.get(text);
    if (translated === undefined) throw new Error(`scripts/spec-docs/indonesian.ts lacks: ${text}`);
    return translated;
  },
};

export const languages = { english, indonesian } as const;

function choice(kind: Extract<Kind, { kind: 'choice' }>, refused: string): string {
  return kind.later.length === 0 ? words(kind.values) : `${words(kind.values)} (${refused}: ${words(kind.later)})`;
}

function words(values: readonly string[]): string {
  return values.map((value) => `\`${value}\``).join(', ');
}

function indonesianKind(kind: Kind): string {
  switch (kind.kind) {
    case 'text':
      return 'teks';
    case 'command':
      return 'perintah (teks)';
    case 'glob':
      return 'glob seperti "packages/ui/**"';
    case 'path':
      return 'jalur relatif';
    case 'host':
      return 'nama host seperti shop.example.com';
    case 'domain':
      return 'nama host seperti shop.example.com, atau dengan jalur: shop.example.com/api';
    case 'address':
      return 'host:port, http://host:port atau https://host';
    case 'schedule':
      return 'jadwal seperti "30 2 * * *" atau "@hourly"';
    case 'time-zone':
      return 'zona waktu seperti Asia/Jakarta';
    case 'network':
      return 'alamat atau jaringan seperti 10.0.0.0/8';
    case 'header':
      return 'nama header';
    case 'headers':
      return 'pemetaan (header: nilai)';
    case 'client':
      return 'ip, atau header:NAMA';
    case 'pattern':
      return 'jalur seperti /blog/* atau /users/:id';
    case 'destination':
      return 'jalur yang diawali /, atau URL http(s)';
    case 'url-path':
      return 'jalur yang diawali /';
    case 'mount-path':
      return 'folder layanan, atau jalur absolut';
    case 'number':
      return `angka dari ${kind.min} sampai ${kind.max}`;
    case 'word-or':
      return `${kind.word}, atau ${indonesianKind(kind.of)}`;
    case 'one-or-more':
      return `${indonesianKind(kind.of)}, atau daftarnya`;
    case 'scalar':
      return 'teks, angka, true atau false';
    case 'flag':
      return 'true atau false';
    case 'any':
      return 'apa saja';
    case 'whole':
      return `bilangan bulat${kind.unit === 's' ? ' detik' : ''} dari ${kind.min} sampai ${kind.max}`;
    case 'size':
      return `ukuran, paling sedikit ${sizeText(kind.min)}, seperti "512MB" atau "2GB"`;
    case 'choice':
      return choice(kind, 'ditolak dengan menyebut namanya');
    case 'list':
      return 'daftar';
    case 'object':
      return 'pemetaan (nama: nilai)';
  }
}
