import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, problemsOf, read, warningsOf } from './source.ts';

const web = 'services:\n  - type: web\n    name: api\n    startCommand: x\n';
const proxy = 'services:\n  - type: proxy\n    name: old\n    upstreams: [{address: "a:1"}]\n';
const healthOf = (text: string): unknown => onlyService(read({ 'kapal.yaml': text })).health;

describe('healthCheck.content', () => {
  test('is asked of instances and of upstreams', () => {
    assert.deepEqual(healthOf(`${web}    healthCheckPath: /up\n    healthCheck: {content: "is: ready"}\n`), {
      path: '/up',
      content: 'is: ready',
      interval: 5000,
      timeout: 5000,
    });
    assert.deepEqual(healthOf(`${proxy}    healthCheckPath: /up\n    healthCheck: {content: ok}\n`), {
      path: '/up',
      content: 'ok',
      interval: 1000,
      timeout: 2000,
    });
  });

  test('without a path it would never be looked for, which is refused', () => {
    const missing = 'services[0].healthCheck.content: is looked for in the answer at healthCheckPath, which is missing';
    assert.deepEqual(problemsOf(`${web}    healthCheck: {content: ready}\n`), [`kapal.yaml:5:19: ${missing}`]);
    assert.deepEqual(problemsOf(`${proxy}    healthCheck: {content: ready}\n`), [`kapal.yaml:5:19: ${missing}`]);
    assert.equal(problemsOf(`${web}    healthCheck: {content: ready}\n    healthCheckPath: up\n`).length, 1);
  });

  test('is one line of text, not empty', () => {
    for (const [said, problem] of [
      ['""', /content: is empty$/],
      ['"a\\nb"', /content: expected one line of text, of 300 characters at most$/],
      ['[a]', /content: expected text, found a list$/],
    ] as const)
      assert.match(
        problemsOf(`${web}    healthCheckPath: /up\n    healthCheck: {content: ${said}}\n`).join('\n'),
        problem,
        said,
      );
  });

  test('means nothing where nothing is asked', () => {
    const text = `${web.replace('type: web', 'type: worker')}    healthCheck: {content: x}\n`;
    assert.match(problemsOf(text).join('\n'), /healthCheck: has no meaning for a service of type worker/);
    assert.deepEqual(warningsOf(`${web}    healthCheckPath: /up\n    healthCheck: {content: x}\n`), []);
  });
});
