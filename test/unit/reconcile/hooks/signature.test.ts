import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import type { HookProvider } from '../../../../src/model/hooks.ts';
import { isSigned, marksOf } from '../../../../src/reconcile/hooks/signature.ts';

const secret = 'a secret of the tests';
const body = Buffer.from('{"ref":"refs/heads/main"}');
const now = 1_700_000_000_000;
const hmac = createHmac('sha256', secret).update(body).digest('hex');
const whsec = `whsec_${Buffer.from('k'.repeat(32)).toString('base64')}`;
const standard = (moment: number, id = 'msg_1') =>
  `v1,${createHmac('sha256', 'k'.repeat(32)).update(`${id}.${moment}.`).update(body).digest('base64')}`;

function signed(provider: HookProvider, fields: Readonly<Record<string, string>>, more: object = {}): boolean {
  return isSigned({ provider, secret, head: (name) => fields[name] ?? null, body, now, ...more });
}

describe('the signature of a delivery', () => {
  // GitHub's own example: docs.github.com, "Validating webhook deliveries".
  test('is found good as GitHub documents it', () => {
    const example = {
      secret: "It's a Secret to Everybody",
      body: Buffer.from('Hello, World!'),
    };
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    assert.equal(signed('github', { 'x-hub-signature-256': signature }, example), true);
    assert.equal(signed('bitbucket', { 'x-hub-signature': signature }, example), true);
  });

  for (const [provider, field, good] of [
    ['github', 'x-hub-signature-256', `sha256=${hmac}`],
    ['bitbucket', 'x-hub-signature', `sha256=${hmac}`],
    ['gitea', 'x-gitea-signature', hmac],
    ['forgejo', 'x-forgejo-signature', hmac],
    ['forgejo', 'x-gitea-signature', hmac],
    ['gitlab', 'x-gitlab-token', secret],
  ] as const) {
    test(`${provider}: ${field}`, () => {
      assert.equal(signed(provider, { [field]: good }), true);
      for (const wrong of [
        '',
        'x',
        good.slice(0, -1),
        `${good}0`,
        good.toUpperCase(),
        hmac.replace(/^sha256=/, '') + ' ',
      ])
        assert.equal(signed(provider, { [field]: wrong }), false, wrong);
      assert.equal(signed(provider, {}), false);
      assert.equal(signed(provider, { [field]: good }, { secret: 'another' }), false);
      if (provider !== 'gitlab') assert.equal(signed(provider, { [field]: good }, { body: Buffer.from('{}') }), false);
      assert.equal(signed('none', { [field]: good }), false);
    });
  }

  test('GitLab, where it signs: id, moment and body', () => {
    const seconds = now / 1_000;
    const fields = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(seconds),
      'webhook-signature': standard(seconds),
    };
    const by = (change: Readonly<Record<string, string>>) =>
      signed('gitlab', { ...fields, ...change }, { secret: whsec });
    assert.equal(by({}), true);
    assert.equal(by({ 'webhook-signature': `v1,AAAA ${standard(seconds)}` }), true);
    assert.equal(by({ 'webhook-id': 'msg_2' }), false);
    assert.equal(
      by({ 'webhook-timestamp': String(seconds - 301), 'webhook-signature': standard(seconds - 301) }),
      false,
    );
    assert.equal(by({ 'webhook-timestamp': 'x' }), false);
    // A wrong signature is not mended by the token beside it.
    assert.equal(by({ 'webhook-signature': 'v1,AAAA', 'x-gitlab-token': whsec }), false);
  });

  test('a delivery is known again by its id, and by what it says where no two say the same', () => {
    const marks = (provider: HookProvider, field: string, id: string) =>
      marksOf({ provider, head: (name) => (name === field ? id : null), body });
    const shared = (provider: HookProvider, field: string) => {
      const other = marks(provider, field, 'def');
      return marks(provider, field, 'abc').filter((mark) => other.includes(mark)).length;
    };
    assert.equal(shared('github', 'x-github-delivery'), 1);
    assert.equal(shared('gitea', 'x-gitea-delivery'), 1);
    // A branch that is moved forth, back and forth again.
    assert.equal(shared('gitlab', 'idempotency-key'), 0);
    assert.equal(shared('bitbucket', 'x-request-uuid'), 0);
    assert.equal(shared('gitlab', 'none'), 1);
    assert.deepEqual(marks('gitlab', 'idempotency-key', 'abc'), marks('gitlab', 'idempotency-key', 'abc'));
  });
});
