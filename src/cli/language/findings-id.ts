import type { DomainFinding } from '../../api/contract/types.ts';

type Facts = Readonly<Record<string, string>>;
type Said = Pick<DomainFinding, 'message' | 'advice'>;

/** Findings of `kapal domain check` in Bahasa Indonesia, by their code. */
const texts: Readonly<Record<string, (facts: Facts) => readonly [message: string, advice?: string]>> = {
  'local-name': ({ host }) => [`${host} berarti mesin pengunjung sendiri (RFC 6761): tidak ada yang perlu dicari`],
  'dns-found': ({ host, addresses, aliases, resolvers }) => [
    `${host} adalah ${addresses}${aliases === '' ? '' : ` melalui ${aliases}`} (ditanyakan kepada ${resolvers})`,
  ],
  'dns-missing': ({ host, resolvers, target }) => [
    `${host} tidak punya rekaman A maupun AAAA (ditanyakan kepada ${resolvers})`,
    `Tambahkan rekaman A pada penyedia DNS nama itu: ${host} -> ${target}. Bisa berlaku setelah TTL jawaban lama habis.`,
  ],
  'dns-unanswered': ({ host, resolvers, error }) => [
    `resolver ${resolvers} tidak menjawab untuk ${host} (${error})`,
    'Periksa apakah mesin ini bisa mencari nama, lalu coba lagi.',
  ],
  'address-here': ({ address }) => [`${address} adalah alamat mesin ini`],
  'address-elsewhere': ({ address, own }) => [
    `${address} bukan alamat mesin ini (${own})`,
    'Benar bila sesuatu di depan meneruskan permintaan ke mesin ini; bila tidak, arahkan rekaman ke sini.',
  ],
  'address-unknown': ({ address, own }) => [
    `${address} bukan alamat mesin ini (${own}); di belakang router atau NAT hal itu wajar, dan tidak bisa dipastikan dari sini`,
    'Periksa apakah router atau cloud meneruskan port 80 dan 443 alamat itu ke mesin ini.',
  ],
  'http-closed': ({ address, error }) => [
    `port 80 di ${address} tidak bisa dicapai dari sini (${error})`,
    'Buka port 80 di firewall dan arahkan ke Kapal; otoritas membuktikan nama dari luar lewat port itu. Sebagian router tidak mengizinkan mesin mencapai alamat publiknya sendiri.',
  ],
  'challenge-ok': ({ address }) => [`port 80 di ${address} adalah Kapal ini: tantangan percobaan dijawab dengan benar`],
  'challenge-other': ({ address, status }) => [
    `port 80 di ${address} menjawab ${status} untuk tantangan percobaan; itu bukan jawaban Kapal ini`,
    'Server web lain menjawab di sana, atau proxy di depan tidak meneruskan /.well-known/acme-challenge/. Teruskan jalur itu ke sini.',
  ],
  'https-closed': ({ address, error }) => [
    `tidak ada TLS di port 443 pada ${address} (${error})`,
    'Buka port 443 dan arahkan ke Kapal (--https).',
  ],
  'https-trusted': ({ address, issuer, end }) => [
    `port 443 di ${address} menunjukkan sertifikat dari ${issuer} sampai ${end}`,
  ],
  'https-untrusted': ({ address, issuer, names, refusal }) => [
    `port 443 di ${address} menunjukkan sertifikat dari ${issuer} untuk ${names}, yang ditolak klien (${refusal})`,
    'Hilang sendiri setelah sertifikat terbit; bila tetap, server lain menjawab di sana.',
  ],
  'caa-unanswered': ({ host, error }) => [
    `rekaman CAA untuk ${host} tidak bisa dicari (${error})`,
    'Otoritas menolak nama yang pencarian CAA-nya gagal: periksa server namanya.',
  ],
  'caa-none': ({ host }) => [`tidak ada rekaman CAA yang melarang otoritas mana pun untuk ${host}`],
  'caa-some': ({ at, allowed }) => [
    `CAA di ${at} mengizinkan ${allowed}; Kapal ini tidak meminta kepada otoritas mana pun`,
  ],
  'caa-allows': ({ at, authority }) => [`CAA di ${at} mengizinkan ${authority}`],
  'caa-forbids': ({ at, allowed, authority }) => [
    `CAA di ${at} mengizinkan ${allowed}, bukan ${authority}`,
    `Tambahkan pada ${at} rekaman CAA yang mengizinkan ${authority}.`,
  ],
  'clock-right': ({ seconds }) => [`jam mesin ini tepat, selisih ${seconds} d`],
  'clock-wrong': ({ seconds, direction }) => [
    `jam mesin ini ${seconds} d ${direction === 'ahead' ? 'terlalu cepat' : 'terlambat'}`,
    'Sertifikat berlaku dari saat tertentu sampai saat tertentu: setel jam, misalnya dengan systemd-timesyncd atau chrony.',
  ],
  'certificate-asking': () => ['sertifikat sedang diminta kepada otoritas', 'Lihat: kapal domain list'],
  'certificate-waiting': () => ['sertifikat akan diminta kepada otoritas', 'Lihat: kapal domain list'],
};

/** What is not known by its code stays in the words of the daemon. */
export function findingInIndonesian({ code, facts, message, advice }: DomainFinding): Said {
  const text = texts[code]?.(facts);
  return text === undefined ? { message, advice } : { message: text[0], advice: text[1] ?? null };
}
