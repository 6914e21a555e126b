import { edgeTexts } from './indonesian-edge.ts';

/** The texts of the field tables in Bahasa Indonesia, by their English text: a text that changes there is missing here, and a test says so. */
export const indonesianTexts: ReadonlyMap<string, string> = new Map([
  ...edgeTexts,
  ['The name of the project. `--project` wins over it.', 'Nama proyek. `--project` mengalahkannya.'],
  ['the name of the folder or repository', 'nama folder atau repositori'],
  ['What runs.', 'Apa saja yang dijalankan.'],
  [
    'Environment groups: variables that several services take by `fromGroup`.',
    'Kelompok variabel: variabel yang dipakai beberapa layanan lewat `fromGroup`.',
  ],
  ['The version of the Blueprint.', 'Versi Blueprint.'],
  ["Render's list of what stands in no environment.", 'Daftar Render untuk yang tidak masuk lingkungan mana pun.'],
  ['this version makes no preview environments.', 'versi ini tidak membuat lingkungan pratinjau.'],
  [
    'managed databases are not supported by this version of Kapal: run PostgreSQL yourself, and give its address to the services as a variable with sync: false',
    'versi Kapal ini belum mengelola basis data: jalankan PostgreSQL sendiri, lalu berikan alamatnya kepada layanan sebagai variabel dengan `sync: false`',
  ],
  [
    'projects and environments inside the file are not supported by this version of Kapal: write the services at the top, and choose the environment with kapal deploy -e',
    'versi Kapal ini belum mendukung proyek dan lingkungan di dalam berkas: tulis layanan di tingkat teratas, dan pilih lingkungan dengan `kapal deploy -e`',
  ],
  [
    'shared build sources are not supported by this version of Kapal: declare the build in each service',
    'versi Kapal ini belum mendukung sumber build bersama: tulis build di setiap layanan',
  ],
  [
    "What runs: `web` (HTTP, reached by visitors), `pserv` (private: reached by other services only), `worker` (listens on nothing), `cron` (runs by a schedule), `static` (files; the same as Render's `web` with `runtime: static`), `proxy` (upstreams that Kapal does not run).",
    'Yang dijalankan: `web` (HTTP, dicapai pengunjung), `pserv` (privat: hanya dicapai layanan lain), `worker` (tidak membuka port), `cron` (berjalan menurut jadwal), `static` (berkas; sama dengan `web` milik Render dengan `runtime: static`), `proxy` (upstream yang tidak dijalankan Kapal).',
  ],
  [
    'Unique in the file. Lower-case letters, digits and inner dashes, 40 at most; another text is made into such a name, with a warning.',
    'Unik di dalam berkas. Huruf kecil, angka, dan tanda hubung di tengah, paling banyak 40; teks lain diubah menjadi nama seperti itu, dengan peringatan.',
  ],
  ['What builds and runs it.', 'Yang membangun dan menjalankannya.'],
  ['seen from the files in `rootDir`', 'dilihat dari berkas di `rootDir`'],
  ["Render's old name of `runtime`.", 'Nama lama `runtime` di Render.'],
  [
    'The folder of the service in the source. Its commands run there.',
    'Folder layanan di dalam sumber. Perintahnya dijalankan di sana.',
  ],
  [
    'Builds the service. An empty text (`""`) builds nothing.',
    'Membangun layanan. Teks kosong (`""`) berarti tanpa build.',
  ],
  [
    'install by lockfile, then the `build` script where there is one',
    'instalasi menurut lockfile, lalu skrip `build` bila ada',
  ],
  [
    'Runs once in every new release before it takes traffic: for migrations. When it fails, the deploy fails. An empty text (`""`) runs nothing.',
    'Dijalankan sekali di setiap rilis baru sebelum menerima trafik: untuk migrasi. Bila gagal, deploy gagal. Teks kosong (`""`) tidak menjalankan apa pun.',
  ],
  [
    'for `web` without a `startCommand`, the migrations of Django, Rails, Laravel or Symfony where there are any',
    'untuk `web` tanpa `startCommand`, migrasi Django, Rails, Laravel, atau Symfony bila ada',
  ],
  [
    'Starts one instance, or one job of a `cron`. It gets `PORT` and `HOST` where visitors or services reach it.',
    'Memulai satu instans, atau satu pekerjaan `cron`. Instans mendapat `PORT` dan `HOST` bila dicapai pengunjung atau layanan.',
  ],
  [
    'When a job of a `cron` is due: minute, hour, day of month, month, day of week, or a nickname such as `@hourly`.',
    'Kapan pekerjaan `cron` jatuh tempo: menit, jam, tanggal, bulan, hari, atau nama pendek seperti `@hourly`.',
  ],
  [
    'The zone whose clocks `schedule` names, by its IANA name.',
    'Zona waktu yang dipakai `schedule`, dengan nama IANA.',
  ],
  ["the server's, which `kapal ps` says", 'zona server, yang ditampilkan `kapal ps`'],
  [
    'What a slot does while the job before still runs: `skip` leaves it out, `queue` lets one wait, `replace` ends the running one.',
    'Yang dilakukan jadwal saat pekerjaan sebelumnya masih berjalan: `skip` melewatinya, `queue` membiarkan satu menunggu, `replace` mengakhiri yang berjalan.',
  ],
  [
    'What becomes of slots that passed while no daemon ran: `once` runs the last of them, if it is not older than a day; `skip` runs none.',
    'Nasib jadwal yang lewat saat daemon tidak berjalan: `once` menjalankan yang terakhir, bila tidak lebih tua dari sehari; `skip` tidak menjalankan satu pun.',
  ],
  ['A job that takes longer is ended, and has failed.', 'Pekerjaan yang lebih lama diakhiri, dan dianggap gagal.'],
  ['Ended jobs that `kapal jobs` remembers.', 'Pekerjaan selesai yang diingat `kapal jobs`.'],
  ['50', '50'],
  [
    'Runs once, in the first release of the service that goes live. When it fails, the deploy says so and stays live.',
    'Dijalankan sekali, di rilis pertama layanan yang aktif. Bila gagal, deploy menyebutkannya dan tetap aktif.',
  ],
  [
    'what the files tell: the `start` script of package.json, the application of a framework',
    'yang tampak dari berkas: skrip `start` di package.json, aplikasi sebuah framework',
  ],
  ['The folder that is served, inside `rootDir`.', 'Folder yang disajikan, di dalam `rootDir`.'],
  [
    'seen from the files and the framework, where that is unambiguous',
    'dilihat dari berkas dan kerangka kerjanya, bila tidak bermakna ganda',
  ],
  [
    'How many instances run. `kapal scale` changes it until this number changes.',
    'Jumlah instans. `kapal scale` mengubahnya sampai angka ini berubah.',
  ],
  [
    'The time between SIGTERM and SIGKILL, in which requests under way end.',
    'Waktu antara SIGTERM dan SIGKILL, untuk menyelesaikan permintaan yang sedang berjalan.',
  ],
  ['One host name; the same as `domains` with one.', 'Satu nama host; sama dengan `domains` berisi satu nama.'],
  ['Variables of the service, for its build and its instances.', 'Variabel layanan, untuk build dan instansnya.'],
  [
    'Must be the repository that is deployed: one deploy takes one source.',
    'Harus repositori yang di-deploy: satu deploy mengambil satu sumber.',
  ],
  [
    'The branch is chosen by `kapal deploy --branch`; another one here is warned about.',
    'Cabang dipilih dengan `kapal deploy --branch`; cabang lain di sini memicu peringatan.',
  ],
  ['How the edge treats requests.', 'Cara edge memperlakukan permintaan.'],
  ['How a new release takes over from the old one.', 'Cara rilis baru menggantikan rilis lama.'],
  ['What health checks ask for, and their pace.', 'Yang diminta pemeriksaan kesehatan, dan iramanya.'],
  [
    'The answer at `healthCheckPath` has to hold this text in the first 64 KiB of its body, as it stands here; 2xx or 3xx alone is not enough then.',
    'Jawaban di `healthCheckPath` harus memuat teks ini dalam 64 KiB pertama isinya, persis seperti tertulis di sini; 2xx atau 3xx saja tidak lagi cukup.',
  ],
  ['the body is not looked at', 'isi jawaban tidak dilihat'],
  [
    "`.`, or the only package of a workspace that says how it starts; in Render's file always `.`",
    '`.`, atau satu-satunya paket ruang kerja yang mengatakan cara menyalakannya; di berkas Render selalu `.`',
  ],
  [
    'A deploy fails when a new instance is not ready by then.',
    'Deploy gagal bila instans baru belum siap dalam waktu ini.',
  ],
  [
    'The app always listens on this port and cannot read `PORT`, which then has this number too. Where the daemon runs as root with `ip` and `nft`, each instance has the port to itself; elsewhere one instance can have it at a time, and a rollout is a gap as with a `disk`.',
    'Aplikasi selalu mendengarkan di port ini dan tidak dapat membaca `PORT`, yang lalu juga berisi angka ini. Bila daemon berjalan sebagai root dengan `ip` dan `nft`, tiap instans memiliki port itu sendiri; selain itu hanya satu instans pada satu waktu, dan rollout menimbulkan jeda seperti pada `disk`.',
  ],
  ['the app reads `PORT`', 'aplikasi membaca `PORT`'],
  [
    'Memory of one instance; above it the kernel kills it. Without control groups the daemon does so, by a look once a second.',
    'Memori satu instans; di atasnya kernel mematikannya. Tanpa control group, daemon yang melakukannya, dengan memeriksa sekali sedetik.',
  ],
  ['no limit', 'tanpa batas'],
  ["3/4 of the machine's", '3/4 memori mesin'],
  ['Limits of the build.', 'Batas build.'],
  [
    'This file of the publish path is served where nothing matches: a single-page app.',
    'Berkas ini dari folder yang disajikan dikirim bila tidak ada yang cocok: aplikasi satu halaman.',
  ],
  [
    'The addresses that requests go to. A `proxy` needs at least one.',
    'Alamat tujuan permintaan. `proxy` memerlukan paling sedikit satu.',
  ],
  [
    'your own server has no plans; memoryLimit bounds an instance.',
    'server sendiri tidak mengenal paket; `memoryLimit` membatasi instans.',
  ],
  ['your own server is where it is.', 'server sendiri berada di tempatnya.'],
  [
    'Whether a push to the remote, told by a hook or seen by polling (`kapal hook add`), deploys the service. `kapal deploy` and `git push kapal` always do.',
    'Apakah push ke remote, yang diberitahukan oleh hook atau terlihat saat polling (`kapal hook add`), merilis layanan. `kapal deploy` dan `git push kapal` selalu merilis.',
  ],
  [
    "Render's old name of it: `false` is `autoDeployTrigger: off`.",
    'Nama lamanya di Render: `false` sama dengan `autoDeployTrigger: off`.',
  ],
  ['Which paths of the repository have to change for that.', 'Path mana di repositori yang harus berubah untuk itu.'],
  [
    'Globs, relative to the top of the repository. Where there are any, they decide in the place of `rootDir`: a push that changes none of these paths deploys nothing.',
    'Glob, relatif terhadap puncak repositori. Bila ada, glob inilah yang menentukan sebagai ganti `rootDir`: push yang tidak mengubah satu pun path ini tidak merilis apa pun.',
  ],
  ['all of `rootDir`', 'seluruh `rootDir`'],
  [
    'Globs, relative to the top of the repository. What changes there alone deploys nothing.',
    'Glob, relatif terhadap puncak repositori. Perubahan di sana saja tidak merilis apa pun.',
  ],
  ['the default name of a service always answers.', 'nama bawaan layanan selalu menjawab.'],
  [
    'autoscaling is not supported by this version of Kapal: set numInstances',
    'versi Kapal ini belum mendukung penskalaan otomatis: isi `numInstances`',
  ],
  [
    'A folder that outlives releases. Unless it is `shared`, the service has one instance, and a rollout stops it before the next one starts: a gap, in which visitors wait.',
    'Folder yang tetap ada melampaui rilis. Kecuali `shared`, layanan punya satu instans, dan rollout menghentikannya sebelum yang berikut dimulai: ada jeda, ketika pengunjung menunggu.',
  ],
  [
    'Its name, made of lower-case letters, digits and dashes. Another name is another disk: the old one is kept, detached.',
    'Namanya, dari huruf kecil, angka, dan tanda hubung. Nama lain berarti disk lain: yang lama tetap disimpan, terlepas.',
  ],
  [
    'Where the service sees it: a folder of the service (`data`, or below `/opt/render/project/src`), or any other absolute path (`/var/data`), which needs a daemon that runs as root. The real path is in `KAPAL_DISK`.',
    'Tempat layanan melihatnya: folder layanan (`data`, atau di bawah `/opt/render/project/src`), atau jalur absolut lain (`/var/data`), yang memerlukan daemon sebagai root. Jalur sebenarnya ada di `KAPAL_DISK`.',
  ],
  [
    'The size that it is meant to have. It is accounted and warned of, not enforced.',
    'Ukuran yang dimaksudkan. Ukuran ini dihitung dan diperingatkan, tidak dipaksakan.',
  ],
  [
    'Several instances write to it at once, as to the shared folders of Capistrano and Deployer: for uploads, never for a SQLite file. The service keeps `numInstances`, and a rollout starts the next instance before it stops the last. A folder of the service is filled at first with what the source has there, and not again.',
    'Beberapa instans menulisinya bersamaan, seperti folder bersama pada Capistrano dan Deployer: untuk unggahan, jangan untuk berkas SQLite. `numInstances` tetap berlaku, dan rollout memulai instans berikutnya sebelum menghentikan yang terakhir. Folder layanan mula-mula diisi dengan isi folder itu di sumber, dan sesudahnya tidak lagi.',
  ],
  [
    'images and Dockerfiles are not supported by this version of Kapal: take a runtime that is built from source',
    'versi Kapal ini belum mendukung image dan Dockerfile: pakai runtime yang dibangun dari sumber',
  ],
  [
    'managed Redis is not supported by this version of Kapal: run it yourself, and give its address to the services as a variable',
    'versi Kapal ini belum mengelola Redis: jalankan sendiri, lalu berikan alamatnya kepada layanan sebagai variabel',
  ],
  [
    'The name of the variable. Left out only beside `fromGroup`.',
    'Nama variabel. Hanya boleh tidak ada di samping `fromGroup`.',
  ],
  [
    'The value. Numbers, `true` and `false` become the text that was written.',
    'Nilainya. Angka, `true`, dan `false` menjadi teks seperti yang ditulis.',
  ],
  [
    'With `true` Kapal makes a random value (256 bits, base64) at the first deploy and keeps it.',
    'Dengan `true` Kapal membuat nilai acak (256 bit, base64) pada deploy pertama dan menyimpannya.',
  ],
  [
    'With `false` the value is not in the file: `kapal env set SERVICE KEY=VALUE` sets it, and a deploy without it stops before the build.',
    'Dengan `false` nilainya tidak ada di berkas: `kapal env set LAYANAN KUNCI=NILAI` mengisinya, dan deploy tanpanya berhenti sebelum build.',
  ],
  [
    "Takes every variable of an environment group. The service's own variables win over them.",
    'Mengambil semua variabel dari sebuah kelompok. Variabel layanan sendiri mengalahkannya.',
  ],
  ['Takes the value from another service of this file.', 'Mengambil nilai dari layanan lain di berkas ini.'],
  [
    'managed databases are not supported by this version of Kapal: declare the address of the database with sync: false, and set it with kapal env set',
    'versi Kapal ini belum mengelola basis data: tulis alamat basis data dengan `sync: false`, dan isi dengan `kapal env set`',
  ],
  ['The service that the value comes from.', 'Layanan asal nilai.'],
  [
    'Its type. May be left out; where it stands, it must be the right one.',
    'Jenisnya. Boleh tidak ditulis; bila ditulis, harus benar.',
  ],
  [
    "What of it: `host`, `port` and `hostport` of its private address (types web and pserv), or `url`, where visitors reach it (types web, static and proxy; Kapal's own).",
    'Bagiannya: `host`, `port`, dan `hostport` dari alamat privatnya (jenis web dan pserv), atau `url`, tempat pengunjung mencapainya (jenis web, static, dan proxy; milik Kapal).',
  ],
  [
    'A variable of it, instead of a property. Two services cannot take variables from each other.',
    'Variabel miliknya, sebagai ganti properti. Dua layanan tidak bisa saling mengambil variabel.',
  ],
  ['The name that `fromGroup` uses.', 'Nama yang dipakai `fromGroup`.'],
  [
    'Its variables: `value`, `generateValue` and `sync: false` only.',
    'Variabelnya: hanya `value`, `generateValue`, dan `sync: false`.',
  ],
  ['Which instance gets the next request.', 'Instans mana yang mendapat permintaan berikutnya.'],
  [
    'The largest request body; a larger one is answered with 413. nginx takes the next usual size (1MB, 20MB, 512MB) for a body that does not tell its length.',
    'Badan permintaan terbesar; yang lebih besar dijawab 413. Untuk badan yang tidak menyebut panjangnya, nginx memakai ukuran lazim berikutnya (1MB, 20MB, 512MB).',
  ],
  [
    'How long a visitor waits for the first byte of a response, before 504.',
    'Berapa lama pengunjung menunggu bita pertama respons, sebelum 504.',
  ],
  [
    'The silence that ends a response under way or a WebSocket; 0 for no limit.',
    'Lama diam yang mengakhiri respons atau WebSocket yang sedang berjalan; 0 untuk tanpa batas.',
  ],
  [
    'How a new release takes over: `rolling` replaces instances in waves, `blue-green` starts all new ones before the first request goes to them.',
    'Cara rilis baru mengambil alih: `rolling` mengganti instans bergelombang, `blue-green` memulai semua yang baru sebelum permintaan pertama dikirim ke sana.',
  ],
  [
    'Instances above the wanted number while rolling: the size of a wave.',
    'Instans di atas jumlah yang diminta saat bergulir: besar satu gelombang.',
  ],
  ['How long one check may take.', 'Berapa lama satu pemeriksaan boleh berlangsung.'],
  ['The wall-clock time that a build may take.', 'Waktu yang boleh dipakai sebuah build.'],
  [
    'The memory that a build may use, where the kernel allows a limit.',
    'Memori yang boleh dipakai build, bila kernel mengizinkan batas.',
  ],
  [
    'What a build may write in the folder of the release and in its home; above it it is ended.',
    'Yang boleh ditulis build di folder rilis dan di folder rumahnya; di atas itu build diakhiri.',
  ],
  ['what is free above `kapal up --keep-free`', 'yang bebas di atas `kapal up --keep-free`'],
  [
    'The processes and threads that a build may have at once, where the kernel allows a limit.',
    'Proses dan utas yang boleh dimiliki build sekaligus, bila kernel mengizinkan batas.',
  ],
  ['Where it listens.', 'Alamat tempatnya mendengarkan.'],
  [
    "Its share of the requests, against the other upstreams' weights.",
    'Bagian permintaannya, dibandingkan bobot upstream lain.',
  ],
]);
