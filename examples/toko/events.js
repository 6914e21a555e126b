// GET /events: a server-sent event every second until the visitor or the server leaves.
import { instance } from './instance.js';

const open = new Set();

export function streamEvents({ response }) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let tick = 0;
  const send = () => {
    tick += 1;
    response.write(
      `id: ${tick}\nevent: tick\ndata: ${JSON.stringify({ tick, instance: instance.instance, at: new Date() })}\n\n`,
    );
  };
  const timer = setInterval(send, 1000);
  open.add(response);
  response.on('close', () => {
    clearInterval(timer);
    open.delete(response);
  });
  send();
}

/** Ends every stream: a browser reconnects by itself, to a replica that stays. */
export function endEvents() {
  for (const response of open) response.end();
}
