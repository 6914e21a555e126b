import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { HookProvider } from '../../../../src/model/hooks.ts';
import { eventOf } from '../../../../src/reconcile/hooks/event.ts';
import { KapalError } from '../../../../src/model/errors.ts';

const read = (provider: HookProvider, fields: Readonly<Record<string, string>>, body: unknown) =>
  eventOf(
    provider,
    (name) => fields[name] ?? null,
    Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  );

const main = { ref: 'refs/heads/main', after: '1'.repeat(40) };

describe('what a provider tells', () => {
  for (const [provider, fields] of [
    ['github', { 'x-github-event': 'push' }],
    ['gitlab', { 'x-gitlab-event': 'Push Hook' }],
    ['gitea', { 'x-gitea-event': 'push' }],
    ['forgejo', { 'x-forgejo-event': 'push' }],
  ] as const) {
    test(`${provider}: a push, the end of a branch, a tag, another event`, () => {
      assert.deepEqual(read(provider, fields, main), { kind: 'push', branches: ['main'] });
      assert.deepEqual(read(provider, fields, { ...main, after: '0'.repeat(40) }), { kind: 'push', branches: [] });
      assert.deepEqual(read(provider, fields, { ...main, ref: 'refs/tags/v1' }), { kind: 'push', branches: [] });
      assert.deepEqual(read(provider, {}, main), { kind: 'other' });
      for (const body of [null, [], 'true', { ref: 5 }])
        assert.deepEqual(read(provider, fields, body), { kind: 'push', branches: [] });
      assert.throws(
        () => read(provider, fields, 'no JSON'),
        (error) => error instanceof KapalError && error.code === 'usage',
      );
    });
  }

  test('GitHub: a ping, and a form', () => {
    assert.deepEqual(read('github', { 'x-github-event': 'ping' }, {}), { kind: 'ping' });
    const form = new URLSearchParams({ payload: JSON.stringify(main) }).toString();
    const fields = { 'x-github-event': 'push', 'content-type': 'application/x-www-form-urlencoded' };
    assert.deepEqual(read('github', fields, form), { kind: 'push', branches: ['main'] });
  });

  test('Bitbucket, in the cloud and in a data center', () => {
    const change = (name: string, type = 'branch') => ({ new: { name, type } });
    const cloud = { push: { changes: [change('main'), { new: null }, change('v1', 'tag'), change('dev')] } };
    assert.deepEqual(read('bitbucket', { 'x-event-key': 'repo:push' }, cloud), {
      kind: 'push',
      branches: ['main', 'dev'],
    });
    const ref = { displayId: 'main', type: 'BRANCH' };
    const server = {
      changes: [
        { ref, type: 'UPDATE' },
        { ref: { ...ref, displayId: 'old' }, type: 'DELETE' },
      ],
    };
    const key = { 'x-event-key': 'repo:refs_changed' };
    assert.deepEqual(read('bitbucket', key, server), { kind: 'push', branches: ['main'] });
    assert.deepEqual(read('bitbucket', { 'x-event-key': 'diagnostics:ping' }, {}), { kind: 'ping' });
  });
});
