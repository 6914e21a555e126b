import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type Answer, type BalancingCase, deadPort, type Stage } from './balancing-stage.ts';
import { until } from '../patience.ts';

/** Workers of an engine under test: each learns by itself what fails. */
const workers = 2;

/**
 * Whether an engine asks another endpoint after bytes that are no HTTP. nginx takes them for an answer of HTTP/0.9 and could write no head for another
 * one any more: the request gets 502, until the endpoint is ejected.
 */
const repeatsWhatIsNoHttp: Readonly<Record<string, boolean>> = { embedded: true, nginx: false };

/** Reads the whole request, then ends the connection without an answer. */
const reset: RequestListener = (request) => {
  request.resume().on('end', () => request.socket.destroy());
};

async function retries(stage: Stage): Promise<number> {
  return (await stage.edge.counters())[0]?.retries ?? 0;
}

async function ejections(stage: Stage): Promise<number> {
  return (await stage.edge.counters())[0]?.ejections ?? 0;
}

/** Bodies of so many answers, all 200. */
async function bodies(stage: Stage, count: number, method = 'GET'): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < count; i += 1) {
    const { status, body } = await stage.ask({ method, ...(method === 'POST' ? { body: 'order' } : {}) });
    assert.equal(status, 200, body);
    found.push(body);
  }
  return found;
}

const ejecting: readonly BalancingCase[] = [
  {
    name: 'where nobody listens is passed over for every method, ejected, and used again once somebody does',
    async run(stage) {
      const port = await deadPort();
      const living = await stage.backend('living');
      await stage.serve([{ name: 'dead', port }, living]);
      await bodies(stage, 20);
      await bodies(stage, 20, 'POST');
      assert.ok((await ejections(stage)) >= 1);
      await stage.backend('risen', undefined, port);
      await until('it is used again', async () => (await bodies(stage, 1))[0] === 'risen');
    },
  },
  {
    name: 'three resets in a row eject; when it is well again a trial brings it back',
    async run(stage) {
      let ill = true;
      const failing = await stage.backend('failing', (request, response) => {
        if (ill) reset(request, response);
        else response.end('failing');
      });
      const sound = await stage.backend('sound');
      await stage.serve([failing, sound]);
      const found: string[] = [];
      const began = performance.now();
      while (performance.now() - began < 700) found.push(...(await bodies(stage, 1)));
      assert.ok(found.length >= 5, `${found.length} requests`);
      assert.ok(failing.requests >= 3 && failing.requests <= 3 * workers, `${failing.requests} requests met a reset`);
      assert.ok((await ejections(stage)) >= 1);
      ill = false;
      await until('it is back', async () => (await bodies(stage, 1))[0] === 'failing');
    },
  },
  {
    name: 'malformed answers are failures like resets',
    async run(stage) {
      const failing = await stage.backend(
        'failing',
        (request) => void request.socket.end('HTTP/1.1 200 OK\r\nno field\r\n\r\n'),
      );
      const sound = await stage.backend('sound');
      await stage.serve([failing, sound]);
      assert.ok((await bodies(stage, 30)).every((body) => body === 'sound'));
      assert.ok(failing.requests >= 3 && failing.requests <= 4 * workers, `${failing.requests}`);
      assert.ok((await ejections(stage)) >= 1);
    },
  },
  {
    name: 'what is no HTTP at all reaches no client and is a failure',
    async run(stage) {
      const greeting = 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n';
      const failing = await stage.backend('failing', (request) => void request.socket.end(greeting));
      const sound = await stage.backend('sound');
      await stage.serve([failing]);
      for (const asking of [{}, { method: 'HEAD' }, { method: 'POST', body: 'order' }]) {
        const answer = await stage.ask(asking);
        assert.equal(answer.status, 502);
        assert.ok(!answer.body.includes('SSH') && answer.headers['x-request-id'] !== undefined, answer.body);
      }
      await stage.serve([failing, sound]);
      const answers: Answer[] = [];
      for (let i = 0; i < 30; i += 1) answers.push(await stage.ask());
      const refused = answers.filter(({ status }) => status === 502);
      assert.ok(answers.every(({ status, body }) => status === 502 || body === 'sound'));
      assert.ok(
        refused.length <= (repeatsWhatIsNoHttp[stage.edge.name] === true ? 0 : 4 * workers),
        `${refused.length}`,
      );
      assert.ok(refused.every(({ body }) => !body.includes('SSH')));
      assert.ok((await ejections(stage)) >= 1);
    },
  },
  {
    name: 'an answer that does not come in time is one: a GET is asked for elsewhere, a POST is 504',
    async run(stage) {
      const silent = await stage.backend('silent', () => undefined);
      const sound = await stage.backend('sound');
      await stage.serve([silent], { responseTimeout: 400 });
      assert.equal((await stage.ask({ method: 'POST', body: 'order' })).status, 504);
      await stage.serve([silent, sound], { responseTimeout: 400 });
      assert.ok((await bodies(stage, 12)).every((body) => body === 'sound'));
      assert.ok(silent.requests >= 2 && silent.requests <= 1 + 4 * workers, `${silent.requests}`);
    },
  },
  {
    name: 'the last one is never given up: when it is back it answers at once',
    async run(stage) {
      const port = await deadPort();
      await stage.serve([
        { name: 'one', port },
        { name: 'other', port: await deadPort() },
      ]);
      // Each takes a repeat, and so may each of those below: together no more than the ten that a worker has free.
      for (let i = 0; i < 5; i += 1) assert.equal((await stage.ask()).status, 502);
      await stage.backend('back', undefined, port);
      assert.deepEqual(await bodies(stage, 5), ['back', 'back', 'back', 'back', 'back']);
    },
  },
];

const repeating: readonly BalancingCase[] = [
  {
    name: 'a request that was sent is repeated only when its method is idempotent, and twice at most',
    async run(stage) {
      const backends = await stage.backends(4, reset);
      const total = (): number => backends.reduce((sum, { requests }) => sum + requests, 0);
      await stage.serve(backends);
      for (const [method, tries] of [
        ['POST', 1],
        ['PATCH', 1],
        ['GET', 3],
        ['PUT', 3],
        ['DELETE', 3],
      ] as const) {
        const before = total();
        const repeatsBefore = await retries(stage);
        const body = method === 'GET' || method === 'DELETE' ? {} : { body: 'order' };
        assert.equal((await stage.ask({ method, ...body })).status, 502, method);
        assert.equal(total() - before, tries, method);
        assert.equal((await retries(stage)) - repeatsBefore, tries - 1, method);
      }
    },
  },
  {
    name: 'the body of a repeated request goes along',
    async run(stage) {
      const failing = await stage.backend('failing', reset);
      const echo = await stage.backend('echo', (request, response) => void request.pipe(response));
      await stage.serve([failing, echo]);
      const body = 'x'.repeat(20_000);
      for (let i = 0; i < 6; i += 1) {
        const answer = await stage.ask({ method: 'PUT', body });
        assert.deepEqual([answer.status, answer.body], [200, body]);
      }
      assert.ok(failing.requests > 0);
    },
  },
  {
    name: 'a POST that could not be sent goes elsewhere, with its body, once',
    async run(stage) {
      const echo = await stage.backend('echo', (request, response) => void request.pipe(response));
      await stage.serve([{ name: 'dead', port: await deadPort() }, echo]);
      for (let i = 1; i <= 8; i += 1) {
        const answer = await stage.ask({ method: 'POST', body: `order ${i}` });
        assert.deepEqual([answer.status, answer.body, echo.requests], [200, `order ${i}`, i]);
      }
    },
  },
  {
    name: 'nothing is repeated of which the client has a part already',
    async run(stage) {
      const breaking = await stage.backend('breaking', (request, response) => {
        response.writeHead(200, { 'content-length': '1000000' });
        response.write('x'.repeat(300_000), () => setTimeout(() => request.socket.destroy(), 100));
      });
      await stage.serve([breaking]);
      await assert.rejects(stage.ask());
      assert.equal(breaking.requests, 1);
    },
  },
  {
    name: 'of many requests that fail no more than a fifth is repeated, but for the first few',
    async run(stage) {
      const backends = await stage.backends(2, reset);
      await stage.serve(backends);
      const count = 200;
      for (let i = 0; i < count; i += 1) assert.equal((await stage.ask()).status, 502);
      const tries = backends.reduce((sum, { requests }) => sum + requests, 0);
      const repeats = tries - count;
      assert.equal(await retries(stage), repeats);
      assert.ok(repeats >= 10 && repeats <= count / 5 + 10 * workers, `${repeats} repeats`);
    },
  },
];

const marked: readonly BalancingCase[] = [
  {
    name: 'an endpoint that is down takes no request while another is left, and all that are down are better than none',
    async run(stage) {
      const [one, other] = await stage.backends(2);
      if (one === undefined || other === undefined) throw new Error('two backends');
      const down = (name: string, port: number): Parameters<Stage['serve']>[0][number] => ({ name, port, down: true });
      await stage.serve([down(one.name, one.port), other]);
      assert.deepEqual(await stage.spread(20), new Map([['b2', 20]]));
      assert.deepEqual(await stage.spread(5, { method: 'POST', body: 'order' }), new Map([['b2', 5]]));
      await stage.serve([down(one.name, one.port), down(other.name, other.port)]);
      assert.equal((await stage.spread(20)).size, 2);
      await stage.serve([one, other]);
      assert.equal((await stage.spread(20)).size, 2);
    },
  },
  {
    name: 'a pool without endpoints is 503',
    async run(stage) {
      await stage.serve([]);
      assert.equal((await stage.ask()).status, 503);
    },
  },
  {
    name: 'what is under way at an endpoint that has left is counted until it is over',
    async run(stage) {
      const waiting: ServerResponse[] = [];
      const old = await stage.backend('old', (_: IncomingMessage, response) => void waiting.push(response));
      const fresh = await stage.backend('fresh');
      await stage.serve([old]);
      const answers: Promise<Answer>[] = Array.from({ length: 5 }, () => stage.ask());
      await until('five requests at the old one', () => waiting.length === 5);
      await stage.serve([fresh]);
      assert.deepEqual(await stage.spread(10), new Map([['fresh', 10]]));
      assert.equal((await stage.edge.inFlight()).get(stage.id('old')), 5);
      for (const response of waiting.splice(0, 4)) response.end('old');
      await until('one is left', async () => (await stage.edge.inFlight()).get(stage.id('old')) === 1);
      for (const response of waiting.splice(0)) response.end('old');
      assert.deepEqual(
        (await Promise.all(answers)).map(({ body }) => body),
        ['old', 'old', 'old', 'old', 'old'],
      );
      await until('none is left', async () => !(await stage.edge.inFlight()).has(stage.id('old')));
    },
  },
];

export const failureCases: readonly BalancingCase[] = [...ejecting, ...repeating, ...marked];
