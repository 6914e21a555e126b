import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chooseEngine } from '../../src/daemon/edge-choice.ts';
import { KapalError } from '../../src/model/errors.ts';

const here = {
  found: true,
  program: '/usr/sbin/nginx',
  version: '1.22.1',
  modules: [],
  luaPath: [],
  luaCPath: [],
} as const;
const absent = { found: false, why: 'nginx is not installed' } as const;

describe('the engine of the edge', () => {
  for (const [asked, nginx, running, engine, why] of [
    ['auto', here, null, 'nginx', /1\.22\.1 with its Lua module is at \/usr\/sbin\/nginx/],
    ['auto', absent, null, 'embedded', /nginx is not installed; kapal edge install/],
    ['auto', here, 'embedded', 'embedded', /serves already.*kapal up --edge nginx/],
    ['auto', here, 'nginx', 'nginx', /1\.22\.1/],
    ['auto', absent, 'embedded', 'embedded', /not installed/],
    ['auto', absent, 'nginx', 'embedded', /not installed/],
    ['embedded', here, 'nginx', 'embedded', /asked for/],
    ['nginx', here, 'embedded', 'nginx', /asked for/],
  ] as const) {
    test(`${asked}, nginx ${nginx.found ? 'here' : 'absent'}, ${running ?? 'nothing'} running: ${engine}`, () => {
      const choice = chooseEngine({ asked, nginx, running });
      assert.equal(choice.engine, engine);
      assert.match(choice.why, why);
    });
  }

  test('nginx that was asked for and cannot serve is refused with what to do', () => {
    assert.throws(
      () => chooseEngine({ asked: 'nginx', nginx: absent, running: null }),
      (error: unknown) =>
        error instanceof KapalError &&
        error.code === 'not_supported' &&
        error.message.includes('nginx is not installed') &&
        error.hint?.includes('kapal edge install') === true,
    );
  });
});
