import assert from 'node:assert/strict';
import type { RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Backend, type BalancingCase, type Stage } from './balancing-stage.ts';
import { until } from '../patience.ts';

/** A backend whose requests wait until they are let go. */
async function holding(stage: Stage, name: string): Promise<{ backend: Backend; waiting: ServerResponse[] }> {
  const waiting: ServerResponse[] = [];
  const backend = await stage.backend(name, (_, response) => {
    waiting.push(response);
    response.once('close', () => {
      if (waiting.includes(response)) waiting.splice(waiting.indexOf(response), 1);
    });
  });
  return { backend, waiting };
}

function refused(answer: Answer): void {
  assert.equal(answer.status, 503);
  assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/);
}

/** Until the edge has so many requests of this stage, whatever became of them. */
async function arrived(stage: Stage, count: number): Promise<void> {
  await until(`${count} requests at the edge`, async () => ((await stage.edge.counters())[0]?.requests ?? 0) >= count);
}

/** Resolves to what has settled within a moment. */
async function settled(answers: readonly Promise<Answer>[]): Promise<Answer[]> {
  const found = await Promise.all(answers.map((answer) => Promise.race([answer, pause(30).then(() => null)])));
  return found.filter((answer) => answer !== null);
}

const limits: readonly BalancingCase[] = [
  {
    name: 'no endpoint ever has more under way than maxConnections, over all workers, and nobody in the queue is forgotten',
    async run(stage) {
      const brief: RequestListener = (_, response) => void setTimeout(() => response.end('done'), 15);
      const backends = await stage.backends(2, brief);
      await stage.serve(backends, {
        balance: 'least-connections',
        maxConnections: 3,
        queue: { size: 200, timeout: 60_000 },
      });
      const answers = await Promise.all(
        Array.from({ length: 150 }, (_, i) => stage.ask(i % 3 === 0 ? { method: 'POST', body: 'order' } : {})),
      );
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      for (const { name, busiest } of backends) assert.equal(busiest, 3, `${name} had ${busiest} at once`);
    },
  },
  {
    name: 'beyond the size of the queue it is 503 with Retry-After at once; a place that comes free goes to the first who waits',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      await stage.serve([backend], { maxConnections: 1, queue: { size: 2, timeout: 60_000 } });
      const answers: Promise<Answer>[] = [];
      for (let i = 0; i < 6; i += 1) {
        answers.push(stage.ask({ path: `/${i}` }));
        if (i === 0) await until('the first is there', () => backend.requests === 1);
      }
      await until('three are refused', async () => (await settled(answers)).length === 3);
      for (const answer of await settled(answers)) refused(answer);
      assert.equal(backend.requests, 1);
      for (let i = 2; i <= 3; i += 1) {
        waiting.shift()?.end('done');
        await until('the next is there', () => backend.requests === i);
      }
      waiting.shift()?.end('done');
      const statuses = (await Promise.all(answers)).map(({ status }) => status);
      assert.equal(statuses.filter((status) => status === 200).length, 3);
      assert.equal(backend.busiest, 1);
    },
  },
  {
    name: 'a request that waited for as long as the queue allows is 503 with Retry-After',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      await stage.serve([backend], { maxConnections: 1, queue: { size: 5, timeout: 600 } });
      const first = stage.ask();
      await until('the first is there', () => backend.requests === 1);
      const began = performance.now();
      refused(await stage.ask());
      assert.ok(performance.now() - began > 500, 'it waited');
      waiting.shift()?.end('done');
      assert.equal((await first).status, 200);
      assert.equal(backend.requests, 1);
    },
  },
  {
    name: 'without a queue nothing waits',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      await stage.serve([backend], { maxConnections: 2 });
      const first = [stage.ask(), stage.ask()];
      await until('two are there', () => backend.requests === 2);
      for (let i = 0; i < 4; i += 1) refused(await stage.ask());
      for (const response of waiting.splice(0)) response.end('done');
      for (const answer of first) assert.equal((await answer).status, 200);
    },
  },
];

const going: readonly BalancingCase[] = [
  {
    name: 'a client that leaves gives its place back, and its turn',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      await stage.serve([backend], { maxConnections: 1, queue: { size: 2, timeout: 60_000 } });
      const [first, second] = [new AbortController(), new AbortController()];
      const gone = [stage.ask({ signal: first.signal }).catch(() => null)];
      await until('the first is there', () => backend.requests === 1);
      gone.push(stage.ask({ signal: second.signal, path: '/second' }).catch(() => null));
      await arrived(stage, 2);
      const third = stage.ask({ path: '/third' });
      await arrived(stage, 3);
      second.abort();
      first.abort();
      await Promise.all(gone);
      await until('the third is there', () => backend.requests === 2);
      waiting.shift()?.end('done');
      assert.equal((await third).status, 200);
      assert.equal(backend.requests, 2, 'the second never came');
    },
  },
  {
    name: 'an upgraded connection holds its place to its end',
    async run(stage) {
      const backend = await stage.backend('one');
      const tunnels: Socket[] = [];
      backend.onUpgrade((socket) => {
        tunnels.push(socket);
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n');
        socket.pipe(socket);
      });
      await stage.serve([backend], { maxConnections: 1 });
      const client = stage.raw();
      let text = '';
      client.on('data', (part: Buffer) => (text += part.toString()));
      client.write(`GET / HTTP/1.1\r\nHost: ${stage.host}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`);
      await until('the tunnel', () => text.includes(' 101 '));
      client.write('hello');
      await until('its echo', () => text.endsWith('hello'));
      refused(await stage.ask());
      client.destroy();
      await until('its place is free', async () => (await stage.ask()).status === 200);
    },
  },
  {
    name: 'an endpoint that comes, or a higher limit, lets those in who wait',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      const queue = { size: 9, timeout: 60_000 };
      await stage.serve([backend], { maxConnections: 1, queue });
      const held = stage.ask();
      await until('the first is there', () => backend.requests === 1);
      const second = stage.ask();
      await arrived(stage, 2);
      const fresh = await stage.backend('fresh');
      await stage.serve([backend, fresh], { maxConnections: 1, queue });
      assert.equal((await second).body, 'fresh');
      await stage.serve([backend], { maxConnections: 1, queue });
      const third = stage.ask();
      await arrived(stage, 3);
      assert.equal(backend.requests, 1);
      await stage.serve([backend], { maxConnections: 2, queue });
      await until('the third is there', () => backend.requests === 2);
      for (const response of waiting) response.end('done');
      assert.deepEqual([(await held).status, (await third).status], [200, 200]);
    },
  },
  {
    name: 'what is under way when a limit is declared counts',
    async run(stage) {
      const { backend, waiting } = await holding(stage, 'one');
      await stage.serve([backend]);
      const held = [stage.ask(), stage.ask()];
      await until('two are there', () => backend.requests === 2);
      await stage.serve([backend], { maxConnections: 2 });
      refused(await stage.ask());
      for (const response of waiting) response.end('done');
      for (const answer of held) assert.equal((await answer).status, 200);
      const fourth = stage.ask();
      await until('there is room again', () => backend.requests === 3);
      for (const response of waiting) response.end('done');
      assert.equal((await fourth).status, 200);
    },
  },
  {
    name: 'a place at an endpoint that fails is given back, and its request goes on to another',
    async run(stage) {
      const failing = await stage.backend('failing', (request) => void request.socket.destroy());
      const sound = await stage.backend('sound');
      await stage.serve([failing, sound], { maxConnections: 1, queue: { size: 50, timeout: 60_000 } });
      const answers = await Promise.all(Array.from({ length: 20 }, () => stage.ask()));
      assert.ok(answers.every(({ status, body }) => status === 200 && body === 'sound'));
      assert.equal(sound.busiest, 1);
      assert.equal((await stage.edge.inFlight()).size, 0);
    },
  },
];

export const placeCases: readonly BalancingCase[] = [...limits, ...going];
