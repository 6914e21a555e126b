import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyPort } from '../../../src/reconcile/insistence.ts';
import { portInUse } from '../../../src/reconcile/wanted-port.ts';

const at = (address: string, port: number) => ({ address, port });

describe('the port on which an app insists', () => {
  test('is the only one that it listens on, where 127.0.0.1 reaches it', () => {
    assert.equal(onlyPort([at('0.0.0.0', 3000)]), 3000);
    assert.equal(onlyPort([at('::1', 3000), at('127.0.0.1', 3000)]), 3000);
    assert.equal(onlyPort([]), null);
    assert.equal(onlyPort([at('::1', 3000)]), null);
    assert.equal(onlyPort([at('0.0.0.0', 3000), at('127.0.0.1', 9229)]), null);
  });
});

describe('the port that another program has, by what an app printed', () => {
  const cases: readonly (readonly [program: string, lines: readonly string[], port: number | null])[] = [
    ['Node', ['Error: listen EADDRINUSE: address already in use :::3000'], 3000],
    [
      'Node, whole',
      [
        'Error: listen EADDRINUSE: address already in use 127.0.0.1:3000',
        '    at Server.setupListenHandle [as _listen2] (node:net:1907:16)',
        "  code: 'EADDRINUSE',",
        '  errno: -98,',
      ],
      3000,
    ],
    ['Go', ['2026/11/22 12:05:11 listen tcp :8080: bind: address already in use'], 8080],
    [
      'uvicorn',
      ["12:05:11 [Errno 98] error while attempting to bind on address ('0.0.0.0', 8080): address already in use"],
      8080,
    ],
    ['gunicorn', ["[2026-11-22 12:05:11 +0000] [7] [ERROR] Connection in use: ('0.0.0.0', 8000)"], 8000],
    ['Flask', ['Address already in use', 'Port 5000 is in use by another program.'], 5000],
    ['Spring Boot', ['Web server failed to start. Port 8080 was already in use.'], 8080],
    ['Puma', ['Address already in use - bind(2) for "0.0.0.0" port 4567 (Errno::EADDRINUSE)'], 4567],
    ['PHP', ['[Sun Nov 22 12:00:00 2026] Failed to listen on localhost:8000 (reason: Address already in use)'], 8000],
    ['Rust, which says no port', ['Error: Os { code: 98, kind: AddrInUse, message: "Address already in use" }'], null],
    ['another reason', ['connect ECONNREFUSED 127.0.0.1:5432', 'it is 12:30'], null],
  ];
  for (const [program, lines, port] of cases) test(program, () => assert.equal(portInUse(lines), port));
});
