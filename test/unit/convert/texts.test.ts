import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { argument } from '../../../src/convert/export/unit-text.ts';
import { looksSecret } from '../../../src/convert/export/values.ts';
import { commandLine } from '../../../src/model/shell.ts';

test('a command line gives the shell the words that were meant', () => {
  const word = fc.oneof(
    fc.constantFrom("it's", '$HOME', '`id`', '', '-n', 'a b', '\\', '"', '*', 'a\nb', '#', '~', 'ä'),
    fc.string(),
  );
  const words = fc.sample(word, 200).map((one) => one.replaceAll('\0', ''));
  const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(words)}`], { encoding: 'utf8' });
  // What is no Unicode text has no bytes of its own.
  assert.deepEqual(
    stdout.split('\0').slice(0, -1),
    words.map((one) => one.toWellFormed()),
  );
});

test('an argument of a unit reads back as it was, by the rules of systemd.syntax(7)', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom('100% $HOME "x" \\n', 'a\nb\tc', '%i', '$$', '\u0085\u0007', "it's")),
      (text) => {
        const written = argument(text);
        assert.match(written, /^"[^\n]*"$/u);
        const read = unescaped(written.slice(1, -1));
        assert.equal(read, text);
      },
    ),
  );
});

function unescaped(text: string): string {
  const pieces = text.matchAll(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\([\\"])|(%)%|(\$)\$|([^])/g);
  return [...pieces]
    .map(([, byte, unit, ...plain]) => {
      const code = byte ?? unit;
      return code === undefined ? plain.join('') : String.fromCharCode(Number.parseInt(code, 16));
    })
    .join('');
}

test('what may be a secret', () => {
  for (const [key, text] of [
    ['SESSION_SECRET', 'x'],
    ['API_KEY', 'x'],
    ['KEY', 'x'],
    ['DB_PASSWORD', 'x'],
    ['AUTH', 'x'],
    ['DATABASE_URL', 'postgres://u:p@h/x'],
    ['CERT', '-----BEGIN PRIVATE KEY-----'],
  ] as const)
    assert.ok(looksSecret(key, text), key);
  for (const [key, text] of [
    ['NODE_ENV', 'production'],
    ['MONKEY', 'x'],
    ['URL', 'https://example.com/@user'],
    ['AUTHOR', 'x'],
  ] as const)
    assert.ok(!looksSecret(key, text), key);
});
