// POST /echo: gives the body back, so that a proxy in front can be seen to carry it whole.
import { answer, RequestError } from './answer.js';

const maxBytes = 64 * 1024;

export async function echo({ request, response }) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    // The rest of the body is not read, so the connection cannot be used again.
    if (bytes > maxBytes)
      throw new RequestError(413, `The body is larger than ${maxBytes} bytes`, { connection: 'close' });
    chunks.push(chunk);
  }
  const type = request.headers['content-type'] ?? '';
  answer(response, 200, { bytes, type, body: read(Buffer.concat(chunks).toString('utf8'), type) });
}

function read(text, type) {
  if (!/^application\/json\b/i.test(type)) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 'The body is not the JSON that its content type promises');
  }
}
