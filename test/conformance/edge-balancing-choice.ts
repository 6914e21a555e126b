import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import type { Balance } from '../../src/edge/pool.ts';
import { about, type Answer, type BalancingCase, type Stage } from './balancing-stage.ts';

const key = '5a'.repeat(32);
const turns: readonly Balance[] = ['round-robin', 'least-connections', 'random-two'];
/** Round robin and its like are exact but for the turns of each worker; a draw is not. */
const tolerance = (balance: Balance): number => (balance === 'random-two' ? 30 : 8);

const even: readonly BalancingCase[] = turns.map((balance) => ({
  name: `${balance} gives four endpoints a quarter each`,
  async run(stage) {
    const backends = await stage.backends(4);
    await stage.serve(backends, { balance });
    const counts = await stage.spread(200);
    assert.equal(counts.size, 4);
    for (const count of counts.values()) about(count, 50, tolerance(balance));
  },
}));

const weighted: readonly BalancingCase[] = turns.map((balance) => ({
  name: `${balance} follows the weights`,
  async run(stage) {
    const backends = await stage.backends(3);
    await stage.serve(
      backends.map(({ name, port }, i) => ({ name, port, weight: i + 1 })),
      { balance },
    );
    const counts = await stage.spread(240);
    for (const [i, { name }] of backends.entries()) about(counts.get(name) ?? 0, 40 * (i + 1), tolerance(balance));
  },
}));

const loaded: readonly BalancingCase[] = (['least-connections', 'random-two'] as const).map((balance) => ({
  name: `${balance} leaves a busy endpoint alone`,
  async run(stage) {
    const waiting: (() => void)[] = [];
    let released = false;
    const slow = await stage.backend('slow', (_, response) => {
      if (released) response.end('slow');
      else waiting.push(() => response.end('slow'));
    });
    const quick = await stage.backend('quick');
    await stage.serve([slow, quick], { balance });
    const answers: Promise<Answer>[] = [];
    for (let i = 0; i < 48; i += 1) {
      const answer = stage.ask();
      answers.push(answer);
      await Promise.race([answer, pause(250)]);
    }
    // Every worker has to send one there to know; after that it goes elsewhere.
    assert.ok(slow.requests >= 1 && slow.requests <= 10, `${slow.requests} requests wait at the slow one`);
    released = true;
    for (const finish of waiting) finish();
    assert.ok((await Promise.all(answers)).every(({ status }) => status === 200));
  },
}));

/** Where each of many clients is sent. */
async function places(stage: Stage, clients: number): Promise<string[]> {
  const found: string[] = [];
  for (let i = 0; i < clients; i += 1) {
    const { status, body } = await stage.ask({ from: `127.0.0.${10 + i}` });
    assert.equal(status, 200);
    found.push(body);
  }
  return found;
}

const hashed: readonly BalancingCase[] = [
  {
    name: 'ip-hash keeps a client at its endpoint, and one endpoint more among four moves about a fifth, all of them there',
    async run(stage) {
      const clients = 120;
      const backends = await stage.backends(4);
      await stage.serve(backends, { balance: 'ip-hash' });
      const before = await places(stage, clients);
      assert.equal(new Set(before).size, 4);
      assert.deepEqual(await places(stage, clients), before, 'a client stays');
      const fifth = await stage.backend('b5');
      await stage.serve([...backends, fifth], { balance: 'ip-hash' });
      const after = await places(stage, clients);
      const moved = after.filter((place, i) => place !== before[i]);
      assert.ok(
        moved.every((place) => place === 'b5'),
        'nobody moves between the others',
      );
      about(moved.length, clients / 5, 18);
      await stage.serve(backends, { balance: 'ip-hash' });
      assert.deepEqual(await places(stage, clients), before, 'and they come back');
    },
  },
  {
    name: 'ip-hash follows the weights',
    async run(stage) {
      const backends = await stage.backends(2);
      await stage.serve(
        backends.map(({ name, port }, i) => ({ name, port, weight: i === 0 ? 1 : 3 })),
        { balance: 'ip-hash' },
      );
      const found = await places(stage, 120);
      about(found.filter((place) => place === 'b1').length, 30, 18);
    },
  },
];

const grown: readonly BalancingCase[] = [
  {
    name: 'in its slow start an endpoint gets a small share, and after it a whole one',
    async run(stage) {
      const backends = await stage.backends(4);
      const parts = (since: number): Parameters<Stage['serve']>[0] =>
        backends.map(({ name, port }, i) => ({ name, port, since: i === 3 ? since : 1_000 }));
      await stage.serve(parts(Date.now()), { slowStart: 600_000 });
      const young = (await stage.spread(200)).get('b4') ?? 0;
      assert.ok(young >= 2 && young <= 16, `${young} of 200, where a tenth of a share is 6`);
      await stage.serve(parts(Date.now() - 300_000), { slowStart: 600_000 });
      about((await stage.spread(200)).get('b4') ?? 0, 31, 8);
      await stage.serve(parts(Date.now() - 700_000), { slowStart: 600_000 });
      about((await stage.spread(200)).get('b4') ?? 0, 50, 6);
    },
  },
  {
    name: 'where all are young nothing changes',
    async run(stage) {
      const backends = await stage.backends(2);
      await stage.serve(
        backends.map(({ name, port }) => ({ name, port, since: Date.now() })),
        { slowStart: 600_000 },
      );
      for (const count of (await stage.spread(60)).values()) about(count, 30, 4);
    },
  },
];

/** `name=value` of the Set-Cookie field of an answer; null where there is none. */
function cookieOf(headers: { readonly 'set-cookie'?: string[] | undefined }): string | null {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? null;
}

const stuck: readonly BalancingCase[] = [
  {
    name: 'the sticky cookie keeps a visitor at one endpoint',
    async run(stage) {
      const backends = await stage.backends(4);
      await stage.serve(backends, { sticky: { cookie: 'visit', key, maxAge: 90 } });
      const first = await stage.ask();
      const [set = '', ...others] = first.headers['set-cookie'] ?? [];
      assert.equal(others.length, 0);
      const [pair = '', ...attributes] = set.split('; ');
      assert.match(pair, /^visit=[0-9a-f]{32}\.[0-9a-f]{32}$/);
      assert.deepEqual(attributes.toSorted(), ['HttpOnly', 'Max-Age=90', 'Path=/', 'SameSite=Lax']);
      for (let i = 0; i < 20; i += 1) {
        const again = await stage.ask({ headers: { cookie: `theme=dark; ${pair}; lang=id` } });
        assert.deepEqual([again.body, again.headers['set-cookie']], [first.body, undefined]);
      }
      const visitors = new Set<string>();
      for (let i = 0; i < 8; i += 1) visitors.add((await stage.ask()).body);
      assert.equal(visitors.size, 4, 'others are still spread');
    },
  },
  {
    name: 'a forged or foreign cookie is as none',
    async run(stage) {
      const backends = await stage.backends(4);
      await stage.serve(backends, { sticky: { cookie: 'visit', key: 'ff'.repeat(32) } });
      const foreign = cookieOf((await stage.ask()).headers) ?? '';
      await stage.serve(backends, { sticky: { cookie: 'visit', key } });
      const own = cookieOf((await stage.ask()).headers) ?? '';
      const flipped = own.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
      for (const cookie of [
        foreign,
        flipped,
        own.split('.')[0] ?? '',
        'visit=',
        'visit=%00',
        `visit=${'a'.repeat(3000)}`,
      ]) {
        const bodies = new Set<string>();
        for (let i = 0; i < 8; i += 1) {
          const answer = await stage.ask({ headers: { cookie } });
          assert.equal(answer.status, 200);
          assert.match(
            cookieOf(answer.headers) ?? '',
            /^visit=[0-9a-f]{32}\.[0-9a-f]{32}$/,
            `for ${cookie.slice(0, 80)}`,
          );
          bodies.add(answer.body);
        }
        assert.equal(bodies.size, 4, cookie.slice(0, 80));
      }
    },
  },
  {
    name: 'a visitor whose endpoint is gone, or down, is handed to another with a new cookie, and stays there',
    async run(stage) {
      const backends = await stage.backends(3);
      const sticky = { cookie: 'visit', key };
      await stage.serve(backends, { sticky });
      const first = await stage.ask();
      const cookie = cookieOf(first.headers) ?? '';
      const down = (name: string): Parameters<Stage['serve']>[0] =>
        backends.map(({ name: other, port }) => ({ name: other, port, ...(other === name ? { down: true } : {}) }));
      for (const endpoints of [backends.filter(({ name }) => name !== first.body), down(first.body)]) {
        await stage.serve(endpoints, { sticky });
        const next = await stage.ask({ headers: { cookie } });
        const handed = cookieOf(next.headers) ?? '';
        assert.equal(next.status, 200);
        assert.notEqual(next.body, first.body);
        assert.notEqual(handed, cookie);
        for (let i = 0; i < 6; i += 1) {
          const again = await stage.ask({ headers: { cookie: handed } });
          assert.deepEqual([again.body, again.headers['set-cookie']], [next.body, undefined]);
        }
      }
      await stage.serve(backends, { sticky });
      assert.equal(
        (await stage.ask({ headers: { cookie } })).body,
        first.body,
        'the old one holds again when it is back',
      );
    },
  },
];

export const choiceCases: readonly BalancingCase[] = [...even, ...weighted, ...loaded, ...hashed, ...grown, ...stuck];
