import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exporters } from '../../../src/convert/export/exporters.ts';
import { releaseFingerprint } from '../../../src/plan/fingerprint.ts';
import type { ServiceSpec } from '../../../src/spec/spec.ts';
import { proxy, site, web, worker } from './cron-fields.ts';
import { onlyService, problemsOf, read } from './source.ts';

const files = { 'package.json': '{"scripts":{"start":"node server.js"}}' };
const specOf = (lines: string) => read({ ...files, 'kapal.yaml': `${web}${lines}` });

describe('the port on which an app insists', () => {
  const whole = 'port: expected a whole number from 1 to 65535, found';
  const refused: readonly (readonly [base: string, line: string, column: number, problem: string])[] = [
    [web, 'port: 0', 11, `${whole} the number 0`],
    [web, 'port: 65536', 11, `${whole} the number 65536`],
    [web, 'port: "3000"', 11, `${whole} text: remove the quotes around 3000`],
    [worker, 'port: 3000', 5, 'port: has no meaning for a service of type worker, only for web, pserv'],
    [site, 'port: 3000', 5, 'port: has no meaning for a service of type static, only for web, pserv'],
    [proxy, 'port: 3000', 5, 'port: has no meaning for a service of type proxy, only for web, pserv'],
  ];
  for (const [base, line, column, problem] of refused)
    test(`${line} in ${base.split('\n')[1]?.trim() ?? ''}`, () =>
      assert.deepEqual(problemsOf(`${base}    ${line}\n`, files), [`kapal.yaml:5:${column}: services[0].${problem}`]));

  test('another one is another release', () => {
    const print = (spec: ServiceSpec) =>
      releaseFingerprint({ sourceDigest: 'd', spec, variablesDigest: 'v' }, (text) => text);
    assert.notEqual(print(onlyService(specOf('    port: 3000\n'))), print(onlyService(specOf('    port: 8080\n'))));
  });

  test('is carried by what knows it, and what does not says so', () => {
    const one = specOf('    port: 8080\n');
    const compose = exporters.compose(one);
    assert.match(compose.files[0]?.text ?? '', /PORT: "8080"/);
    assert.match(compose.files[0]?.text ?? '', /8080:8080/);
    assert.match(exporters.systemd(one).files[0]?.text ?? '', /Environment=PORT=8080/);
    const noted = (notes: readonly { readonly field: string }[]) => notes.some(({ field }) => field === 'api.port');
    assert.equal(noted(compose.notes), false);
    assert.equal(noted(exporters.systemd(one).notes), false);
    for (const to of ['render', 'procfile'] as const) assert.equal(noted(exporters[to](one).notes), true, to);
    const two = specOf('    port: 8080\n    numInstances: 2\n');
    assert.equal(noted(exporters.systemd(two).notes), true, 'units share the ports of the machine');
  });
});
