import type { ErrorPage, ErrorRequest } from './plane/types.ts';

/** What a visitor reads: English first, one line of Bahasa Indonesia. It says nothing about programs and versions. */
interface Message {
  readonly title: string;
  readonly english: string;
  readonly indonesian: string;
}

const messages: Readonly<Record<number, Message>> = {
  400: {
    title: 'Bad request',
    english: 'This request could not be understood.',
    indonesian: 'Permintaan ini tidak dapat dipahami.',
  },
  401: {
    title: 'Please sign in',
    english: 'This address is open to those who have a name and a password for it.',
    indonesian: 'Alamat ini hanya untuk yang memiliki nama pengguna dan kata sandi.',
  },
  403: {
    title: 'Not allowed',
    english: 'This address is not open to where you come from.',
    indonesian: 'Alamat ini tidak dapat dibuka dari tempat Anda.',
  },
  404: {
    title: 'Not found',
    english: 'There is nothing at this address. Check it for a typing mistake.',
    indonesian: 'Tidak ada apa pun di alamat ini. Periksa kembali penulisannya.',
  },
  405: {
    title: 'Method not allowed',
    english: 'This address can be read, and nothing else.',
    indonesian: 'Alamat ini hanya dapat dibaca.',
  },
  408: {
    title: 'Request timeout',
    english: 'The request took too long to arrive. Please try again.',
    indonesian: 'Permintaan terlalu lama tiba. Silakan coba lagi.',
  },
  413: {
    title: 'Too large',
    english: 'What was sent is larger than this site accepts.',
    indonesian: 'Data yang dikirim lebih besar daripada batas situs ini.',
  },
  414: {
    title: 'Address too long',
    english: 'This address is longer than this site accepts.',
    indonesian: 'Alamat ini lebih panjang daripada batas situs ini.',
  },
  421: {
    title: 'Wrong connection',
    english: 'This connection was made for another address. Opening the page again helps.',
    indonesian: 'Sambungan ini dibuat untuk alamat lain. Silakan buka kembali halamannya.',
  },
  429: {
    title: 'Too many requests',
    english: 'There were too many requests at once. Please try again in a moment.',
    indonesian: 'Terlalu banyak permintaan sekaligus. Silakan coba lagi sebentar lagi.',
  },
  431: {
    title: 'Request too large',
    english: 'The request carries more than this site accepts. Deleting the cookies of this site may help.',
    indonesian: 'Permintaan ini melebihi batas situs ini. Menghapus kuki situs ini dapat membantu.',
  },
  500: {
    title: 'Something went wrong',
    english: 'The site could not answer this request.',
    indonesian: 'Situs ini tidak dapat menjawab permintaan ini.',
  },
  502: {
    title: 'No answer from the site',
    english: 'The site is there but did not answer properly. Please try again in a moment.',
    indonesian: 'Situs ini tidak menjawab dengan benar. Silakan coba lagi sebentar lagi.',
  },
  503: {
    title: 'Not available right now',
    english: 'The site is starting, or busy. Please try again in a moment.',
    indonesian: 'Situs ini sedang dimulai atau sibuk. Silakan coba lagi sebentar lagi.',
  },
  504: {
    title: 'The site took too long',
    english: 'The site did not answer in time. Please try again in a moment.',
    indonesian: 'Situs ini tidak menjawab tepat waktu. Silakan coba lagi sebentar lagi.',
  },
};

const maintenance: Message = {
  title: 'We will be back soon',
  english: 'This site is being worked on. Please come back a little later.',
  indonesian: 'Situs ini sedang dalam perawatan. Silakan kembali beberapa saat lagi.',
};

/** The page for a status that the edge itself answers with; JSON for a client that asks for it rather than for HTML. */
export function errorPage(status: number, request: ErrorRequest): ErrorPage {
  const message = request.maintenance === true ? maintenance : (messages[status] ?? messages[status < 500 ? 400 : 500]);
  if (message === undefined) throw new Error('the catalogue of pages has no 400 or 500');
  if (prefersJson(request.accept)) {
    const body = { error: { status, message: message.english, requestId: request.id } };
    return { contentType: 'application/json; charset=utf-8', body: Buffer.from(`${JSON.stringify(body)}\n`) };
  }
  return { contentType: 'text/html; charset=utf-8', body: Buffer.from(renderPage(status, message, request.id)) };
}

/** Names JSON and not HTML: a browser's Accept names both kinds of text or everything. */
function prefersJson(accept: string | null): boolean {
  if (accept === null) return false;
  const types = accept.toLowerCase();
  return /\bapplication\/(?:[\w.+-]*\+)?json\b/.test(types) && !types.includes('text/html');
}

function renderPage(status: number, message: Message, id: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${message.title}</title>
<style>
:root { color-scheme: light dark }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.6 system-ui, sans-serif; background: Canvas; color: CanvasText }
main { max-width: 34rem; padding: 2rem }
h1 { font-size: 1.5rem; font-weight: 600; margin: 0 0 .75rem }
p { margin: 0 0 .5rem }
small { display: block; margin-top: 1.5rem; opacity: .75; overflow-wrap: anywhere }
</style>
</head>
<body>
<main>
<h1>${message.title}</h1>
<p>${message.english}</p>
<p lang="id">${message.indonesian}</p>
<small>${status}${id === '' ? '' : ` &middot; ${escapeHtml(id)}`}</small>
</main>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
