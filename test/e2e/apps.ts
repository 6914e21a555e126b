/** Small real apps that the stories deploy; none has a dependency, so that nothing is fetched. Files by path. */
export type Files = Readonly<Record<string, string>>;

/**
 * A web app that says `text`, and what it was given: `/env/NAME` a variable, `/who` its instance and release, `/slow?ms=N` after a while, `/events` by
 * server-sent events, `/size` the bytes of the body, any upgrade an echo. It ends on SIGTERM as a good app does.
 */
export function webApp(text: string): Files {
  return { 'server.js': `const text = ${JSON.stringify(text)};\n${webServer}` };
}

const webServer = `
const http = require('node:http');
const env = process.env;
const streams = new Set();
const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (url.pathname.startsWith('/env/')) return response.end(env[url.pathname.slice(5)] ?? '(unset)');
  if (url.pathname === '/who') return response.end(env.KAPAL_INSTANCE + ' ' + env.KAPAL_RELEASE);
  if (url.pathname === '/slow') return setTimeout(() => response.end(text), Number(url.searchParams.get('ms')));
  if (url.pathname === '/headers') return response.end(JSON.stringify(request.headers));
  if (url.pathname === '/print') {
    console.log(url.searchParams.get('line'));
    return response.end('printed');
  }
  if (url.pathname === '/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\\n\\n');
    streams.add(response);
    return request.on('close', () => streams.delete(response));
  }
  if (url.pathname === '/say') {
    for (const stream of streams) stream.write('data: ' + url.searchParams.get('word') + '\\n\\n');
    return response.end('said to ' + streams.size);
  }
  response.end(text);
});
server.on('upgrade', (request, socket, head) => {
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n');
  socket.on('error', () => socket.destroy());
  socket.on('data', (part) => socket.write(part));
  socket.on('end', () => socket.end());
});
server.listen(Number(env.PORT), env.HOST, () => console.log('listening for ' + env.KAPAL_SERVICE));
process.once('SIGTERM', () => {
  console.log('ending');
  server.close(() => process.exit(0));
  for (const stream of streams) stream.end();
});
`;

/** A web app that prints what it knows and ends with this exit code before it listens. */
export function crashingApp(code: number): Files {
  return { 'server.js': `console.error('no database at db.internal:5432');\nprocess.exitCode = ${code};\n` };
}

/** Answers on a port of its own choice, whatever PORT says. */
export function stubbornApp(port: number): Files {
  return { 'server.js': `require('node:http').createServer((_, response) => response.end('here')).listen(${port});\n` };
}

/** Listens only after so many milliseconds. */
export function lateApp(milliseconds: number): Files {
  const server = `require('node:http').createServer((_, response) => response.end('late but here'))`;
  return { 'server.js': `setTimeout(() => ${server}.listen(process.env.PORT), ${milliseconds});\n` };
}

/** Runs for ever, takes no requests, and leaves a beat in a file of its home that tells it from one that only started. */
export const workerScript = `
const beat = () => console.log('beat of ' + process.env.KAPAL_SERVICE + ' ' + (process.env.QUEUE ?? ''));
beat();
setInterval(beat, 200);
process.once('SIGTERM', () => process.exit(0));
`;
