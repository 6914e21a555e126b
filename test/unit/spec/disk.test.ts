import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { onlyService, problemsOf, read } from './source.ts';

const web = 'services:\n  - type: web\n    name: api\n    startCommand: npm start\n';
const GB = 1024 ** 3;
const files = { 'apps/api/server.js': '' };
const diskOf = (lines: readonly string[]) =>
  onlyService(read({ 'kapal.yaml': `${web}${lines.map((line) => `    ${line}\n`).join('')}`, ...files })).disk;

describe('a disk', () => {
  const read: readonly (readonly [lines: readonly string[], expected: unknown])[] = [
    [[], undefined],
    [
      ['disk: {name: Data_1, mountPath: /var/data/, sizeGB: 2}'],
      { name: 'data-1', mountPath: '/var/data', size: 2 * GB },
    ],
    [['disk: {name: data, mountPath: ./var//db}'], { name: 'data', mountPath: 'var/db', size: 10 * GB }],
    [
      ['disk: {name: data, mountPath: /opt/render/project/src/storage}'],
      { name: 'data', mountPath: 'storage', size: 10 * GB },
    ],
    [
      ['disk: {name: data, mountPath: db}', 'rootDir: apps/api'],
      { name: 'data', mountPath: 'apps/api/db', size: 10 * GB },
    ],
    [
      ['disk: {name: data, mountPath: /opt/render/project/src/db}', 'rootDir: apps/api'],
      { name: 'data', mountPath: 'db', size: 10 * GB },
    ],
    [
      ['disk: {name: data, mountPath: db}', 'numInstances: 1', 'rollout: {strategy: rolling, maxSurge: 1}'],
      { name: 'data', mountPath: 'db', size: 10 * GB },
    ],
    [
      [
        'disk: {name: media, mountPath: uploads, shared: true}',
        'numInstances: 3',
        'rollout: {strategy: blue-green, maxSurge: 2}',
      ],
      { name: 'media', mountPath: 'uploads', size: 10 * GB, shared: true },
    ],
    [['disk: {name: d, mountPath: d, shared: false}'], { name: 'd', mountPath: 'd', size: 10 * GB }],
  ];
  for (const [lines, expected] of read)
    test(`is understood: ${lines.join('; ')}`, () => assert.deepEqual(diskOf(lines), expected));

  const why =
    'a service with a disk has one instance, which is stopped before the next one starts (disk.shared: true lets several write to it)';
  const refused: readonly (readonly [lines: readonly string[], problem: string])[] = [
    [
      ['disk: {name: d, mountPath: /etc/d}'],
      '5:32: services[0].disk.mountPath: "/etc/d" belongs to the system: take a path such as /var/data, or a folder of the service',
    ],
    [
      ['disk: {name: d, mountPath: ../d}'],
      '5:32: services[0].disk.mountPath: expected a path without "..", colons, backslashes and control characters, found "../d"',
    ],
    [
      ['disk: {name: d, mountPath: .}'],
      '5:32: services[0].disk.mountPath: is the whole folder of the service: name a folder in it',
    ],
    [
      ['disk: {name: d, mountPath: /opt/render}'],
      '5:32: services[0].disk.mountPath: is the whole folder of the source: name a folder in it',
    ],
    [['disk: {name: "!", mountPath: d}'], '5:18: services[0].disk.name: "!" has no letter or digit to make a name of'],
    [['disk: {name: d}'], '5:11: services[0].disk.mountPath: is missing'],
    [
      ['disk: {name: d, mountPath: d, sizeGB: 0}'],
      '5:43: services[0].disk.sizeGB: expected a whole number from 1 to 100000, found the number 0',
    ],
    [['disk: {name: d, mountPath: d, size: 1}'], '5:35: services[0].disk.size: unknown field, did you mean sizeGB?'],
    [
      ['disk: {name: d, mountPath: d, shared: 3}'],
      '5:43: services[0].disk.shared: expected true or false, found the number 3',
    ],
    [['disk: fast'], '5:11: services[0].disk: expected a mapping (name: value), found text'],
    [['numInstances: 2', 'disk: {name: d, mountPath: d}'], `5:5: services[0].numInstances: must be 1: ${why}`],
    [
      ['rollout: {strategy: blue-green}', 'disk: {name: d, mountPath: d}'],
      `5:15: services[0].rollout.strategy: has no meaning here: ${why}`,
    ],
    [
      ['rollout: {maxSurge: 2}', 'disk: {name: d, mountPath: d}'],
      `5:15: services[0].rollout.maxSurge: has no meaning here: ${why}`,
    ],
  ];
  for (const [lines, problem] of refused)
    test(`is refused: ${lines.join('; ')}`, () =>
      assert.deepEqual(problemsOf(`${web}${lines.map((line) => `    ${line}\n`).join('')}`), [
        `kapal.yaml:${problem}`,
      ]));

  test('is for services that run', () => {
    const site = 'services:\n  - type: static\n    name: site\n    staticPublishPath: dist\n';
    assert.deepEqual(problemsOf(`${site}    disk: {name: d, mountPath: d}\n`), [
      'kapal.yaml:5:5: services[0].disk: has no meaning for a service of type static, only for web, pserv, worker',
    ]);
  });
});
