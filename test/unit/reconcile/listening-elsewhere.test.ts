import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { whereItListens } from '../../../src/reconcile/listening-elsewhere.ts';

const at = (address: string, port: number) => ({ address, port });

describe('where an instance listens in place of its port', () => {
  test('nowhere: with what it runs on', () => {
    const about = 'Node 24.21.0, as engines.node of package.json asks (>=12)';
    assert.equal(
      whereItListens({ port: 20_001, listeners: [], refused: false, about }),
      `it listens on no port at all (it runs on ${about}): it may still wait for something, such as a database`,
    );
    assert.match(whereItListens({ port: 20_001, listeners: [], refused: false, about: null }) ?? '', /at all: it may/);
  });

  test('at other ports, each once', () => {
    assert.equal(
      whereItListens({ port: 20_001, listeners: [at('0.0.0.0', 3000)], refused: false, about: null }),
      'it listens on port 3000 instead',
    );
    const several = [at('::', 9229), at('0.0.0.0', 3000), at('::', 3000)];
    assert.equal(
      whereItListens({ port: 20_001, listeners: several, refused: false, about: null }),
      'it listens on ports 3000, 9229 instead',
    );
  });

  test('at its port, at an address that is not reached', () => {
    assert.match(
      whereItListens({
        port: 20_001,
        listeners: [at('::1', 20_001), at('0.0.0.0', 3000)],
        refused: false,
        about: null,
      }) ?? '',
      /^it listens at \[::1\]:20001 only, which is not reached by 127\.0\.0\.1/,
    );
  });

  test('at its port, for IPv6 alone, as a refused connection shows', () => {
    assert.match(
      whereItListens({ port: 20_001, listeners: [at('::', 20_001)], refused: true, about: null }) ?? '',
      /^it listens at \[::\]:20001 for IPv6 alone, which is not reached by 127\.0\.0\.1/,
    );
  });

  test('as it should: the reason is another', () => {
    for (const address of ['127.0.0.1', '0.0.0.0', '::'])
      assert.equal(
        whereItListens({ port: 20_001, listeners: [at(address, 20_001)], refused: false, about: null }),
        null,
      );
  });
});
