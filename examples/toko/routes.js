// Which noun answers which path.
import { setTimeout as delay } from 'node:timers/promises';
import { answer, RequestError, wholeNumber } from './answer.js';
import { echo } from './echo.js';
import { streamEvents } from './events.js';
import { health } from './health.js';
import { instance } from './instance.js';
import { countProducts, findProduct, searchProducts } from './products.js';

const routes = [
  { path: /^\/$/, GET: showOverview },
  { path: /^\/products$/, GET: listProducts },
  { path: /^\/products\/(?<id>[^/]+)$/, GET: showProduct },
  { path: /^\/whoami$/, GET: ({ response }) => answer(response, 200, instance) },
  { path: /^\/slow$/, GET: answerSlowly },
  { path: /^\/echo$/, POST: echo },
  { path: /^\/events$/, GET: streamEvents },
  { path: /^\/healthz$/, GET: showHealth },
];

/** Answers one request, or throws what becomes an error answer. */
export async function route(request, response) {
  const url = parseUrl(request.url);
  for (const { path, ...methods } of routes) {
    const match = path.exec(url.pathname);
    if (match === null) continue;
    const handle = methods[request.method === 'HEAD' ? 'GET' : request.method];
    if (handle === undefined) throw methodNotAllowed(request, methods);
    await handle({ request, response, query: url.searchParams, parameters: match.groups ?? {} });
    return;
  }
  throw new RequestError(404, `Nothing is at ${url.pathname}`);
}

function parseUrl(text) {
  const url = URL.parse(text, 'http://toko');
  if (url === null) throw new RequestError(400, 'The request target is not a path');
  return url;
}

function methodNotAllowed(request, methods) {
  const allow = Object.keys(methods).flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  return new RequestError(405, `${request.method} is not for this path`, { allow: allow.join(', ') });
}

function showOverview({ response }) {
  answer(response, 200, { ...instance, products: countProducts(), search: '/products?q=kopi' });
}

function listProducts({ response, query }) {
  const limit = wholeNumber(query, 'limit', { least: 1, most: 100, fallback: 20 });
  const offset = wholeNumber(query, 'offset', { least: 0, most: 1_000_000, fallback: 0 });
  const text = query.get('q') ?? '';
  if (text.length > 200) throw new RequestError(400, 'q is at most 200 characters');
  answer(response, 200, { ...searchProducts({ text, limit, offset }), limit, offset });
}

function showProduct({ response, parameters }) {
  const product = /^\d{1,9}$/.test(parameters.id) ? findProduct(Number(parameters.id)) : undefined;
  if (product === undefined) throw new RequestError(404, `There is no product ${parameters.id}`);
  answer(response, 200, product);
}

async function answerSlowly({ response, query }) {
  const milliseconds = wholeNumber(query, 'ms', { least: 0, most: 10_000, fallback: 2000 });
  await delay(milliseconds);
  answer(response, 200, { ...instance, milliseconds });
}

function showHealth({ response }) {
  const { status, body } = health();
  answer(response, status, body);
}
