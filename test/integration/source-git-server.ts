import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** A test, or what else ends a server. */
interface Ends {
  after(end: () => unknown): void;
}

export interface GitServer {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** `METHOD PATH?QUERY` of every request so far. */
  readonly requests: string[];
}

/** Serves the repositories below a folder over HTTP on loopback by `git http-backend`; with `password`, to `me:PASSWORD` only. */
export async function serveGit(t: Ends, root: string, password?: string): Promise<GitServer> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (password !== undefined && !isAllowed(request, password)) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else serve(root, request, response);
  });
  const { port } = await listen(server);
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return { origin: `http://127.0.0.1:${port}`, requests };
}

/** Serves the files below a folder as they lie: git's "dumb" protocol. Answers the origin. */
export async function serveFiles(t: Ends, root: string): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    readFile(join(root, decodeURIComponent(pathname))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  const { port } = await listen(server);
  t.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${port}`;
}

function isAllowed(request: IncomingMessage, password: string): boolean {
  return request.headers.authorization === `Basic ${Buffer.from(`me:${password}`).toString('base64')}`;
}

function listen(server: Server): Promise<AddressInfo> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address() as AddressInfo)));
}

/** CGI (RFC 3875): headers of the answer, an empty line, the body. */
function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const env = {
    PATH: process.env['PATH'],
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: '1',
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers['content-type'] ?? '',
    HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
    GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    REMOTE_ADDR: '127.0.0.1',
  };
  const backend = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
  const parts: Buffer[] = [];
  request.pipe(backend.stdin);
  backend.stdin.on('error', () => undefined);
  backend.stdout.on('data', (part: Buffer) => parts.push(part));
  backend.once('close', () => answer(Buffer.concat(parts), response));
}

function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf('\r\n\r\n');
  const headers = output.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n');
  const pairs = headers.flatMap((line) => line.split(/: (.*)/s).slice(0, 2));
  const status = pairs.indexOf('Status');
  const [, code = '200'] = status === -1 ? [] : pairs.splice(status, 2);
  response.writeHead(Number.parseInt(code, 10), pairs).end(output.subarray(end + 4));
}
