import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EndpointState } from '../../../src/edge/embedded/plane/endpoint.ts';
import { Ground } from '../../../src/edge/embedded/plane/ground.ts';
import type { Member } from '../../../src/edge/embedded/plane/member.ts';
import { PoolState } from '../../../src/edge/embedded/plane/pool.ts';
import { checkBalancing } from '../../../src/edge/pool-check.ts';
import type { Balance, ProxyPool } from '../../../src/edge/pool.ts';

const ground = new Ground({
  answerStatic: () => Promise.reject(new Error('no files here')),
  hasFile: () => Promise.resolve(false),
  errorPage: () => ({ contentType: 'text/plain', body: Buffer.alloc(0) }),
  httpsPort: () => null,
  log: () => undefined,
  now: () => 0,
});

interface State {
  readonly down?: boolean;
  readonly ejected?: boolean;
  readonly full?: boolean;
  readonly tried?: boolean;
}

const now = 10_000;

/** The choice among endpoints `e0`, `e1` ... in these states, in the order of preference. */
function chosen(states: readonly State[], balance: Balance = 'round-robin'): { first: string | null; all: string[] } {
  const config: ProxyPool = {
    kind: 'proxy',
    id: 'p',
    service: 's',
    balance,
    endpoints: states.map(({ down }, i) => ({
      id: `e${i}`,
      host: '127.0.0.1',
      port: 1,
      weight: 1,
      ...(down === true ? { down: true as const } : {}),
    })),
    maxBodySize: 0,
    responseTimeout: 1,
    idleTimeout: null,
    rewriteHost: false,
  };
  const endpoints = states.map(({ ejected, full }, i) => {
    const endpoint = new EndpointState(ground, { id: `e${i}`, host: '127.0.0.1', port: 1 });
    if (ejected === true) endpoint.health.failed(now, true);
    if (full === true) endpoint.open = 1e9;
    return endpoint;
  });
  const pool = new PoolState(config);
  pool.update(config, new Map(endpoints.map((endpoint) => [endpoint.id, endpoint])), 0);
  const tried = endpoints.filter((_, i) => states[i]?.tried === true);
  const choice = { now, tried, client: 7, preferred: null };
  const name = (member: Member | null): string | null => member?.endpoint.id ?? null;
  return {
    first: name(pool.choose(config, choice)),
    all: pool.choices(config, choice).map(({ endpoint }) => endpoint.id),
  };
}

describe('the choice', () => {
  test('fit before ejected before down; what was tried is out', () => {
    assert.equal(chosen([{ down: true }, { ejected: true }, {}]).first, 'e2');
    assert.equal(chosen([{ down: true }, { ejected: true }, { tried: true }]).first, 'e1');
    assert.equal(chosen([{ down: true }, { ejected: true, tried: true }]).first, 'e0');
    assert.equal(chosen([{ tried: true }, { tried: true }]).first, null);
    assert.equal(chosen([{ down: true }]).first, 'e0', 'the last one is never given up');
  });

  test('a fit endpoint without room is not given up for one that is ejected or down', () => {
    assert.equal(chosen([{ down: true }, { full: true }]).first, null);
    assert.equal(chosen([{ ejected: true }, { full: true }]).first, null);
    assert.equal(chosen([{ ejected: true }, { full: true, down: true }]).first, 'e0');
    assert.equal(chosen([{ full: true }, {}]).first, 'e1');
  });

  test('those that would do are of the best kind only', () => {
    assert.deepEqual(chosen([{ down: true }, {}, { ejected: true }, {}]).all.toSorted(), ['e1', 'e3']);
    assert.deepEqual(chosen([{ down: true }, { ejected: true }, { ejected: true }]).all.toSorted(), ['e1', 'e2']);
  });

  test('whatever the states, the chosen one is of the best kind that is left, by every balance', () => {
    const state = fc.record({ down: fc.boolean(), ejected: fc.boolean(), tried: fc.boolean() });
    const kind = ({ down, ejected }: State): number => (down === true ? 2 : ejected === true ? 1 : 0);
    fc.assert(
      fc.property(
        fc.array(state, { minLength: 2, maxLength: 6 }),
        fc.constantFrom<Balance>('round-robin', 'least-connections', 'ip-hash', 'random-two'),
        (states, balance) => {
          const { first, all } = chosen(states, balance);
          const left = states.filter(({ tried }) => !tried);
          if (left.length === 0) {
            assert.deepEqual([first, all], [null, []]);
            return;
          }
          const best = Math.min(...left.map(kind));
          for (const id of [first ?? '', ...all]) {
            const found = states[Number(id.slice(1))] as State;
            assert.ok(found.tried === false && kind(found) === best, id);
          }
          assert.equal(new Set(all).size, left.filter((one) => kind(one) === best).length);
        },
      ),
    );
  });
});

describe('what a pool asks of balancing', () => {
  const pool: ProxyPool = {
    kind: 'proxy',
    id: 'p',
    service: 's',
    balance: 'random-two',
    endpoints: [],
    maxBodySize: 0,
    responseTimeout: 1,
    idleTimeout: null,
    rewriteHost: false,
  };
  const sticky = { cookie: 'visit', key: '5a'.repeat(32) };

  test('sound', () => {
    const whole: ProxyPool = {
      ...pool,
      sticky: { ...sticky, maxAge: 5 },
      slowStart: 1,
      maxConnections: 1,
      queue: { size: 0, timeout: 1 },
      tls: { serverName: '10.0.0.1', verify: true },
    };
    assert.deepEqual([checkBalancing(pool), checkBalancing(whole)], [[], []]);
  });

  test('unsound, each by its name and without the key', () => {
    const queue = { size: 1, timeout: 1 };
    const unsound: readonly (readonly [Partial<ProxyPool>, RegExp])[] = [
      [{ slowStart: 0 }, /slowStart/],
      [{ maxConnections: 1.5 }, /maxConnections/],
      [{ queue }, /no maxConnections/],
      [{ waitForEndpoint: { ...queue, size: 1.5 } }, /size 1.5 of waitForEndpoint/],
      [{ waitForEndpoint: { ...queue, timeout: 0 } }, /timeout 0 of waitForEndpoint/],
      [{ maxConnections: 1, queue: { ...queue, size: -1 } }, /size/],
      [{ maxConnections: 1, queue: { ...queue, timeout: 0 } }, /timeout/],
      [{ sticky: { ...sticky, cookie: 'a b' } }, /name/],
      [{ sticky: { ...sticky, key: 'secret' } }, /32 bytes/],
      [{ sticky: { ...sticky, maxAge: 0 } }, /maxAge/],
      [{ tls: { serverName: 'a b', verify: true } }, /server name/],
      [{ endpoints: [{ id: 'e', host: 'h', port: 1, weight: 1, since: Number.NaN }] }, /since/],
    ];
    for (const [parts, said] of unsound) {
      const [problem = '', ...others] = checkBalancing({ ...pool, ...parts });
      assert.match(problem, said);
      assert.deepEqual([others, problem.includes('secret')], [[], false]);
    }
  });
});
