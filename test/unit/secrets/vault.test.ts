import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { KapalError } from '../../../src/model/errors.ts';
import { Secret } from '../../../src/secrets/secret.ts';
import { createVault, openVault } from '../../../src/secrets/vault.ts';

const context = { owner: 'shop/production/api', key: 'DATABASE_URL' };

class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'kapal-vault-'));
  readonly private = join(this.path, 'secrets');
  readonly key = join(this.private, 'key');
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function damaged(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof KapalError, String(error));
    assert.equal(error.code, 'state_damaged');
    assert.match(`${error.message}\n${error.hint}`, pattern);
    return true;
  };
}

describe('sealing', () => {
  const vault = createVault(randomBytes(32));

  test('what was sealed opens, whatever it holds', () => {
    for (const text of ['', 'a', 'ünïcode \u{1F6A2}\n\0', 'x'.repeat(100_000)]) {
      const sealed = vault.seal(text, context);
      assert.equal(vault.open(sealed, context).reveal(), text);
      assert.equal(vault.open(vault.seal(new Secret(text), context), context).reveal(), text);
    }
  });

  test('the sealed text is versioned, shows nothing, and is never the same twice', () => {
    const [one, two] = [vault.seal('hunter2-hunter2', context), vault.seal('hunter2-hunter2', context)];
    assert.match(one, new RegExp(`^v1:${vault.keyId}:[A-Za-z0-9_-]+$`));
    assert.notEqual(one, two);
    assert.ok(!Buffer.from(one.split(':')[2] ?? '', 'base64url').includes('hunter2'));
  });

  test('it opens in its own place only', () => {
    const sealed = vault.seal('value', context);
    for (const elsewhere of [
      { ...context, key: 'OTHER' },
      { ...context, owner: 'shop/staging/api' },
      { owner: 'shop/production/api","DATABASE', key: '_URL' },
    ]) {
      assert.throws(() => vault.open(sealed, elsewhere), damaged(/changed, or belongs to something else/));
    }
  });

  test('another key, a changed byte, a cut and a foreign format each say what is wrong, without the value', () => {
    const sealed = vault.seal('hunter2-hunter2', context);
    const stranger = createVault(randomBytes(32));
    assert.throws(
      () => stranger.open(sealed, context),
      damaged(new RegExp(`another key \\(${vault.keyId}.*${stranger.keyId}`)),
    );
    const bytes = Buffer.from(sealed.split(':')[2] ?? '', 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      const text = `v1:${vault.keyId}:${changed.toString('base64url')}`;
      assert.throws(() => vault.open(text, context), damaged(/changed/));
    }
    assert.throws(() => vault.open(sealed.slice(0, 20), context), damaged(/cut short/));
    assert.throws(() => vault.open('v2:abc:def', context), damaged(/format/));
    assert.throws(() => vault.open('', context), damaged(/format/));
  });
});

describe('the key file', () => {
  test('is made once, private, and found again', async () => {
    using folder = new Folder();
    const first = await openVault(folder.private);
    assert.deepEqual([statSync(folder.private).mode & 0o777, statSync(folder.key).mode & 0o777], [0o700, 0o600]);
    assert.deepEqual(readdirSync(folder.private), ['key']);
    const second = await openVault(folder.private);
    assert.equal(second.open(first.seal('value', context), context).reveal(), 'value');
  });

  test('two that begin together agree on one key', async () => {
    using folder = new Folder();
    const vaults = await Promise.all([1, 2, 3, 4].map(() => openVault(folder.private)));
    assert.equal(new Set(vaults.map((vault) => vault.keyId)).size, 1);
    assert.deepEqual(readdirSync(folder.private), ['key']);
  });

  test('one that others can read, a link, and a short one are refused with what to do, and left as they are', async () => {
    using folder = new Folder();
    await openVault(folder.private);
    const key = readFileSync(folder.key);
    chmodSync(folder.key, 0o640);
    await assert.rejects(openVault(folder.private), damaged(/mode 0640[^]*chmod 600/));
    chmodSync(folder.key, 0o600);
    chmodSync(folder.private, 0o755);
    await assert.rejects(openVault(folder.private), damaged(/mode 0755[^]*chmod 700/));
    chmodSync(folder.private, 0o700);
    assert.deepEqual(readFileSync(folder.key), key);
    renameSync(folder.key, `${folder.key}.real`);
    symlinkSync(`${folder.key}.real`, folder.key);
    await assert.rejects(openVault(folder.private), damaged(/is a link/));
    rmSync(folder.key);
    renameSync(`${folder.key}.real`, folder.key);
    truncateSync(folder.key, 31);
    await assert.rejects(openVault(folder.private), damaged(/31 bytes/));
  });

  test('a folder that is a link, and a key that is a folder, are refused', async () => {
    using folder = new Folder();
    const elsewhere = join(folder.path, 'elsewhere');
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, folder.private);
    await assert.rejects(openVault(folder.private), damaged(/is not a folder/));
    mkdirSync(join(elsewhere, 'key'), { mode: 0o700 });
    await assert.rejects(openVault(elsewhere), damaged(/is not a plain file/));
  });

  test("another user's file is refused", {
    skip: process.getuid?.() === 0 ? false : 'only root can give files away',
  }, async () => {
    using folder = new Folder();
    await openVault(folder.private);
    chownSync(folder.key, 65_534, 65_534);
    await assert.rejects(openVault(folder.private), damaged(/belongs to user 65534/));
  });
});
