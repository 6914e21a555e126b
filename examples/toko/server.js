// Starts the shop and ends it in good order.
import { createServer } from 'node:http';
import { answerError } from './answer.js';
import { endEvents } from './events.js';
import { instance } from './instance.js';
import { closeProducts } from './products.js';
import { route } from './routes.js';

const port = Number(process.env.PORT ?? 3000);
const host = process.env.HOST ?? '127.0.0.1';
const unanswered = new Set();
let stopping = false;

const server = createServer((request, response) => {
  unanswered.add(response);
  response.on('close', () => unanswered.delete(response));
  if (stopping) response.shouldKeepAlive = false;
  route(request, response).catch((error) => answerError(response, error));
});

server.on('error', (error) => {
  console.error(`toko cannot listen on ${host}:${port}: ${error.message}`);
  process.exitCode = 1;
});
server.listen(port, host, () => {
  console.log(`toko ${instance.version} listens on http://${host}:${server.address().port}`);
});

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop);

/** No new connections; what was begun is finished; then the end, without waiting for timers of visitors who left. */
function stop() {
  if (stopping) return;
  stopping = true;
  console.log(`toko stops: ${unanswered.size} requests to finish`);
  // Without this a kept-alive connection would outlive its last answer.
  for (const response of unanswered) response.shouldKeepAlive = false;
  endEvents();
  server.close(() => {
    closeProducts();
    process.exit(0);
  });
}
