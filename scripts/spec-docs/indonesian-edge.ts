/** What the manual says of the edge, in Bahasa Indonesia. */
export const edgeTexts: readonly (readonly [english: string, indonesian: string])[] = [
  [
    'An instance is ready when this path answers 2xx or 3xx; without it, when its port accepts. The same for the upstreams of a proxy.',
    'Instans siap bila jalur ini menjawab 2xx atau 3xx; tanpa jalur ini, bila port-nya menerima koneksi. Begitu pula upstream sebuah proxy.',
  ],
  [
    'Host names of visitors, beside the default one; `*.example.com` for all of one level. With a path (`shop.example.com/api`) only what is below it: so several services share a host, and the longest path wins.',
    'Nama host bagi pengunjung, di samping nama bawaan; `*.example.com` untuk semua nama satu tingkat. Dengan jalur (`shop.example.com/api`) hanya yang ada di bawahnya: begitulah beberapa layanan berbagi satu host, dan jalur terpanjang menang.',
  ],
  [
    'Redirects and rewrites of paths at which there is no file; the first that matches. A rewrite of `/*` to a file makes a single-page app.',
    'Redirect dan rewrite untuk jalur yang tidak punya berkas; yang pertama cocok dipakai. Rewrite dari `/*` ke sebuah berkas menjadikannya aplikasi satu halaman.',
  ],
  ['Headers of responses, by path.', 'Header respons, menurut jalur.'],
  ['Only these get in; 403 to all others.', 'Hanya ini yang boleh masuk; 403 untuk yang lain.'],
  [
    'Takes the service off for visitors, while its instances run on.',
    'Menutup layanan bagi pengunjung, sementara instansnya tetap berjalan.',
  ],
  [
    'What is done with the visitor. A redirect has the status 301.',
    'Apa yang dilakukan terhadap pengunjung. Redirect berstatus 301.',
  ],
  ['The paths it is for.', 'Jalur yang dikenainya.'],
  [
    'Where it leads: for a rewrite a path of the same site, for a redirect a URL too.',
    'Tujuannya: untuk rewrite jalur di situs yang sama, untuk redirect boleh juga URL.',
  ],
  ['The paths that it is sent with.', 'Jalur yang disertainya.'],
  ['The name of the header.', 'Nama header.'],
  ['Its value.', 'Nilainya.'],
  ['An address or a network; `0.0.0.0/0` for everyone.', 'Alamat atau jaringan; `0.0.0.0/0` untuk semua orang.'],
  ['For people.', 'Untuk dibaca orang.'],
  ['With `true` every request is answered with 503.', 'Dengan `true` setiap permintaan dijawab 503.'],
  [
    'a page of your own comes in a later version of Kapal, which answers with its own',
    'halaman milik sendiri datang di versi Kapal berikutnya; Kapal menjawab dengan halamannya sendiri',
  ],
  [
    'A visitor stays with the instance that answered first, by a signed cookie; when that instance is gone, with another.',
    'Pengunjung tetap pada instans yang pertama menjawab, lewat cookie bertanda tangan; bila instans itu hilang, pada yang lain.',
  ],
  [
    'The time in which the share of a new instance grows from a tenth to its whole.',
    'Waktu tumbuhnya bagian instans baru dari sepersepuluh sampai penuh.',
  ],
  ['its whole at once', 'langsung penuh'],
  [
    'Requests and WebSockets under way at one instance.',
    'Permintaan dan WebSocket yang sedang berjalan di satu instans.',
  ],
  [
    'Where requests wait when every instance has `maxConnections`.',
    'Tempat permintaan menunggu bila setiap instans sudah mencapai `maxConnections`.',
  ],
  [
    'What becomes of requests when the instances are asked for more than they can answer: with `adaptive` they get as much as they can, and the rest is answered with 503 and Retry-After at once. `maxConnections` takes its place.',
    'Apa yang terjadi dengan permintaan bila instans diminta lebih dari yang sanggup dijawabnya: dengan `adaptive` instans mendapat sebanyak yang sanggup dijawab, sisanya langsung dijawab 503 dengan Retry-After. `maxConnections` menggantikannya.',
  ],
  ['none: 503 at once', 'tidak ada: langsung 503'],
  ['How often one client may ask; beyond it 429.', 'Seberapa sering satu klien boleh meminta; selebihnya 429.'],
  ['How much one client may ask at once.', 'Berapa banyak satu klien boleh meminta sekaligus.'],
  ['These do not get in: 403. It wins over `allow`.', 'Ini tidak boleh masuk: 403. Mengalahkan `allow`.'],
  [
    'Proxies in front of this edge, whose X-Forwarded-For and X-Forwarded-Proto are believed.',
    'Proxy di depan edge ini, yang X-Forwarded-For dan X-Forwarded-Proto-nya dipercaya.',
  ],
  ['Asks for a name and a password.', 'Meminta nama dan kata sandi.'],
  ['Changes what the service is sent.', 'Mengubah apa yang dikirim kepada layanan.'],
  ['Changes what the visitor is sent.', 'Mengubah apa yang dikirim kepada pengunjung.'],
  [
    'Sends visitors elsewhere; the first that matches.',
    'Mengirim pengunjung ke tempat lain; yang pertama cocok dipakai.',
  ],
  [
    'Asks the service for another path than the visitor did; the first that matches, after `redirects`.',
    'Meminta jalur lain kepada layanan daripada yang diminta pengunjung; yang pertama cocok dipakai, sesudah `redirects`.',
  ],
  [
    'Takes the path of a domain (`shop.example.com/api`) off before the request goes on, and tells it in X-Forwarded-Prefix.',
    'Melepas jalur sebuah domain (`shop.example.com/api`) sebelum permintaan diteruskan, dan menyebutnya di X-Forwarded-Prefix.',
  ],
  [
    'Compresses text of 1 KiB and more, for clients that take it.',
    'Memampatkan teks mulai 1 KiB, untuk klien yang menerimanya.',
  ],
  ['true for static, else false', 'true untuk static, selain itu false'],
  ['How plain HTTP is treated.', 'Cara memperlakukan HTTP tanpa enkripsi.'],
  [
    'With `true` upstreams see the Host that the visitor asked for, as apps need for their links and cookies; with `false` their own address, as other sites need.',
    'Dengan `true` upstream melihat Host yang diminta pengunjung, seperti yang dibutuhkan aplikasi untuk tautan dan cookie; dengan `false` alamatnya sendiri, seperti yang dibutuhkan situs lain.',
  ],
  ['How upstreams with `https://` are spoken to.', 'Cara berbicara dengan upstream ber-`https://`.'],
  [
    'a cache of responses comes in a later version of Kapal: let the app send Cache-Control for browsers',
    'cache respons datang di versi Kapal berikutnya: biarkan aplikasi mengirim Cache-Control untuk peramban',
  ],
  [
    'a web application firewall comes in a later version of Kapal; allow, deny and rateLimit are there',
    'firewall aplikasi web datang di versi Kapal berikutnya; `allow`, `deny` dan `rateLimit` sudah ada',
  ],
  [
    'asking another service who may enter comes in a later version of Kapal; basicAuth is there',
    'bertanya kepada layanan lain siapa yang boleh masuk datang di versi Kapal berikutnya; `basicAuth` sudah ada',
  ],
  [
    'Brotli comes in a later version of Kapal; gzip is there',
    'Brotli datang di versi Kapal berikutnya; `gzip` sudah ada',
  ],
  ['The name of the cookie.', 'Nama cookie.'],
  ['How long the browser keeps the cookie.', 'Berapa lama peramban menyimpan cookie.'],
  ['until the browser is closed', 'sampai peramban ditutup'],
  [
    'Requests that wait for a place, over all instances; the next one is answered with 503.',
    'Permintaan yang menunggu tempat, untuk semua instans; yang berikutnya dijawab 503.',
  ],
  ['How long a request waits, before 503.', 'Berapa lama permintaan menunggu, sebelum 503.'],
  ['How fast the bucket fills.', 'Seberapa cepat ember terisi.'],
  [
    'The size of the bucket: so many requests may come at once.',
    'Ukuran ember: sekian permintaan boleh datang sekaligus.',
  ],
  ['the requests of one second', 'permintaan satu detik'],
  ['What tells one client from another.', 'Pembeda satu klien dari yang lain.'],
  [
    'Requests and WebSockets of one client under way at once; the next one is answered with 429.',
    'Permintaan dan WebSocket satu klien yang berjalan bersamaan; yang berikutnya dijawab 429.',
  ],
  ['What the browser shows above its question.', 'Yang ditampilkan peramban di atas pertanyaannya.'],
  ['Who gets in.', 'Siapa yang boleh masuk.'],
  ['The name of the user.', 'Nama pengguna.'],
  [
    'The variable of the service that holds the password: declared with `sync: false`, or set by `kapal env set`. Without a value the deploy stops before the build.',
    'Variabel layanan yang berisi kata sandi: ditulis dengan `sync: false`, atau diisi dengan `kapal env set`. Tanpa nilai, deploy berhenti sebelum build.',
  ],
  [
    'Headers and their values; what was sent under these names is replaced.',
    'Header dan nilainya; yang dikirim dengan nama itu diganti.',
  ],
  ['Headers that do not go on.', 'Header yang tidak diteruskan.'],
  ['Where it leads; may take `:name` and `*` of the source.', 'Tujuannya; boleh memakai `:name` dan `*` dari sumber.'],
  ['The status code of the answer.', 'Kode status jawaban.'],
  ['The path that is asked of the service instead.', 'Jalur yang diminta kepada layanan sebagai gantinya.'],
  [
    'Whether plain HTTP is redirected to HTTPS: `auto` does where a publicly trusted certificate is held. Names under `localhost` never are.',
    'Apakah HTTP dialihkan ke HTTPS: `auto` mengalihkan bila ada sertifikat yang dipercaya umum. Nama di bawah `localhost` tidak pernah dialihkan.',
  ],
  [
    'Strict-Transport-Security, sent where a publicly trusted certificate is held: for so long browsers use HTTPS alone. 0 sends none.',
    'Strict-Transport-Security, dikirim bila ada sertifikat yang dipercaya umum: selama itu peramban hanya memakai HTTPS. 0 tidak mengirimnya.',
  ],
  [
    'The name that upstreams are asked for and whose certificate they must show.',
    'Nama yang diminta dari upstream dan yang sertifikatnya harus ditunjukkan.',
  ],
  ['the Host that the upstream is sent', 'Host yang dikirim kepada upstream'],
  [
    'With `false` any certificate will do: whoever is in between can read along.',
    'Dengan `false` sertifikat apa pun diterima: siapa pun di tengah jalan dapat ikut membaca.',
  ],
  [
    'The pace of the checks of an instance that is ready, or of an upstream.',
    'Irama pemeriksaan instans yang siap, atau sebuah upstream.',
  ],
  ['5; proxy: 1', '5; proxy: 1'],
  ['5; proxy: 2', '5; proxy: 2'],
];
