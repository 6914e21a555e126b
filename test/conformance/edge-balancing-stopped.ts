import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type BackendProcess, type BalancingCase, type Stage } from './balancing-stage.ts';
import { until } from '../patience.ts';

interface Scene {
  readonly backends: readonly BackendProcess[];
  readonly stopped: BackendProcess;
  /** All endpoints; the stopped one is down, or not. */
  readonly serve: (down: boolean) => Promise<void>;
}

/** Four processes, one of which will not go on. */
async function scene(stage: Stage): Promise<Scene> {
  const backends = await Promise.all(['b1', 'b2', 'b3', 'b4'].map((name) => stage.process(name)));
  const stopped = backends[2] as BackendProcess;
  const serve = (down: boolean): Promise<void> =>
    stage.serve(
      backends.map(({ name, port }) => ({ name, port, ...(down && name === stopped.name ? { down: true } : {}) })),
      { responseTimeout: 60_000 },
    );
  await serve(false);
  await stage.spread(16);
  return { backends, stopped, serve };
}

/** Requests of one method to paths of their own, so that each is known where it arrives. */
function askEach(stage: Stage, method: 'GET' | 'POST', paths: readonly string[]): Promise<Answer>[] {
  return paths.map((path) => stage.ask({ method, path, ...(method === 'POST' ? { body: 'order' } : {}) }));
}

async function pendingOf(answers: readonly Promise<unknown>[]): Promise<number> {
  const tokens = await Promise.all(
    answers.map((answer) => Promise.race([answer.then(() => 0), pause(20).then(() => 1)])),
  );
  return tokens.reduce((sum, token) => sum + token, 0);
}

export const stoppedCases: readonly BalancingCase[] = [
  {
    name: 'one of four processes is stopped: it is named as stalled, and once it is down its GETs are answered by others and its POSTs are not repeated',
    async run(stage) {
      const { backends, stopped, serve } = await scene(stage);
      assert.deepEqual(await stage.edge.stalled(), []);
      stopped.stop();
      const gets = askEach(
        stage,
        'GET',
        Array.from({ length: 16 }, (_, i) => `/get/${i}`),
      );
      const posts = askEach(
        stage,
        'POST',
        Array.from({ length: 16 }, (_, i) => `/post/${i}`),
      );
      await until('it is named', async () => (await stage.edge.stalled()).includes(stage.id(stopped.name)));
      assert.ok((await pendingOf(gets)) > 0, 'some wait there');
      await serve(true);
      const answered = await Promise.all(gets);
      assert.ok(answered.every(({ status, body }) => status === 200 && body !== stopped.name));
      const stuck = await pendingOf(posts);
      assert.ok(stuck > 0, 'POSTs stay where they are');
      assert.equal((await stage.edge.inFlight()).get(stage.id(stopped.name)), stuck);
      assert.equal((await stage.spread(40)).has(stopped.name), false);
      await stage.spread(10, { method: 'POST', path: '/later', body: 'order' });
      stopped.go();
      assert.ok((await Promise.all(posts)).every(({ status }) => status === 200));
      const seen = await Promise.all(backends.map((backend) => backend.seen()));
      for (let i = 0; i < 16; i += 1) {
        const times = seen.reduce((sum, counts) => sum + (counts[`POST /post/${i}`] ?? 0), 0);
        assert.equal(times, 1, `POST ${i} was done ${times} times`);
      }
      await serve(false);
      await until('it is used again', async () => (await stage.ask()).body === stopped.name);
      await until('nobody is stalled', async () => (await stage.edge.stalled()).length === 0);
    },
  },
  {
    name: 'a stopped process is passed over by itself while others are there',
    async run(stage) {
      const { stopped } = await scene(stage);
      stopped.stop();
      const gone = new AbortController();
      const waiting = Array.from({ length: 24 }, () => stage.ask({ signal: gone.signal }).catch(() => null));
      await until('it is named', async () => (await stage.edge.stalled()).includes(stage.id(stopped.name)));
      let late = 0;
      for (let i = 0; i < 30; i += 1) {
        const one = stage.ask({ signal: gone.signal }).catch(() => null);
        waiting.push(one);
        const answer = await Promise.race([one, pause(2_000)]);
        if (answer === undefined) late += 1;
      }
      assert.ok(late <= 2, `${late} of 30 were sent to a process that was known to be stalled`);
      stopped.go();
      await until('all are answered', async () => (await pendingOf(waiting)) === 0);
      gone.abort();
    },
  },
];
