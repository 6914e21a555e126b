import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isTouched } from '../../../src/plan/touched.ts';
import { plainService } from '../../../src/spec/plain-service.ts';

const service = (rootDir: string, autoDeploy: Partial<ReturnType<typeof plainService>['autoDeploy']> = {}) =>
  plainService({
    name: 'api',
    type: 'web',
    runtime: 'node',
    rootDir,
    autoDeploy: { on: true, paths: [], ignoredPaths: [], ...autoDeploy },
  });

describe('whether a push deploys a service', () => {
  for (const [what, spec, changed, expected] of [
    ['any change at the top', service('.'), ['a'], true],
    ['nothing changed', service('.'), [], false],
    ['a change below rootDir', service('apps/api'), ['apps/api/x'], true],
    ['a change beside rootDir', service('apps/api'), ['apps/api2/x', 'README.md'], false],
    ['what changed is not known', service('apps/api'), null, true],
    ['switched off', service('.', { on: false }), ['a'], false],
    ['switched off, what changed is not known', service('.', { on: false }), null, false],
    [
      'paths outside of rootDir count where they are named',
      service('apps/web', { paths: ['packages/ui/**'] }),
      ['packages/ui/a'],
      true,
    ],
    [
      'and those of rootDir do not where they are not',
      service('apps/web', { paths: ['packages/ui/**'] }),
      ['apps/web/a'],
      false,
    ],
    ['ignored paths win', service('.', { paths: ['docs/**'], ignoredPaths: ['**/*.md'] }), ['docs/a.md'], false],
    [
      'one that is not ignored is enough',
      service('.', { ignoredPaths: ['**/*.md'] }),
      ['docs/a.md', 'docs/a.ts'],
      true,
    ],
  ] as const) {
    test(what, () => assert.equal(isTouched(spec, changed), expected));
  }
});
