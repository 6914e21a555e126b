import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serviceTable } from '../../../src/convert/import/compose-service.ts';
import { checkedPath, interpolate, namesIn } from '../../../src/convert/import/compose-values.ts';
import { importing, notesOf, refusalOf, specOf } from './converting.ts';

function compose(text: string, more: Readonly<Record<string, string>> = {}) {
  return importing('compose', { tree: { 'compose.yaml': text, ...more } });
}

describe('compose: what a service becomes', () => {
  test('ports make it public, expose private, nothing a worker', () => {
    const found = compose(
      'services:\n  a: {build: ., ports: ["80:3000"]}\n  b: {build: ., expose: [3000]}\n  c: {build: .}\n',
    );
    assert.deepEqual(
      specOf(found).services.map(({ name, type }) => [name, type]),
      [
        ['a', 'web'],
        ['b', 'pserv'],
        ['c', 'worker'],
      ],
    );
  });

  test('its numbers, commands and checks', () => {
    const found = compose(
      `services:
  api:
    build: {context: ./apps/api, args: {A: 1}}
    entrypoint: ["node"]
    command: ["server.js", "a b"]
    deploy: {replicas: 3, resources: {limits: {memory: 512m}}}
    healthcheck: {test: "curl -f http://localhost:3000/up || exit 1", interval: 10s, timeout: 1m30s, start_period: 500ms}
    stop_grace_period: 45s
    ports: [3000]
`,
      { 'apps/api/package.json': '{}' },
    );
    const [service] = specOf(found, { 'apps/api/package.json': '{}' }).services;
    assert.equal(service?.rootDir, 'apps/api');
    assert.equal(service.commands.start, "node server.js 'a b'");
    assert.equal(service.instances, 3);
    assert.equal(service.memoryLimit, 512 * 1024 ** 2);
    assert.deepEqual(service.health, { path: '/up', interval: 10_000, timeout: 90_000 });
    assert.equal(service.startTimeout, 1000);
    assert.equal(service.shutdownDelay, 45_000);
  });

  test('a datastore is left out, and what names it is asked for', () => {
    const found = compose(
      'services:\n  api: {build: ., environment: ["DATABASE_URL=postgres://u:p@db:5432/x", "DEBUG=0"]}\n  db: {image: "postgres:16-alpine@sha256:aa"}\n',
    );
    const [service, ...others] = specOf(found).services;
    assert.equal(others.length, 0);
    assert.deepEqual(service?.variables, [
      { key: 'DATABASE_URL', value: { kind: 'prompt' } },
      { key: 'DEBUG', value: { kind: 'literal', text: '0' } },
    ]);
    assert.match(notesOf(found, 'refused').join('\n'), /compose\.yaml:3:3: services\.db: PostgreSQL is left out/);
    assert.ok(!found.declaration.includes('u:p'));
  });

  test('the address of another service comes by fromService', () => {
    const found = compose(
      'services:\n  api: {build: ., environment: {MAIL: "mail:2525", URL: "http://mail:2525/x"}}\n  mail: {build: ., expose: [2525]}\n',
    );
    assert.deepEqual(specOf(found).services[0]?.variables, [
      { key: 'MAIL', value: { kind: 'service', service: 'mail', property: 'hostport' } },
      { key: 'URL', value: { kind: 'prompt' } },
    ]);
    assert.match(notesOf(found, 'warned').join('\n'), /2:\d+: services\.api\.environment\.URL: names mail/);
  });

  test('what ends before another begins prepares it', () => {
    const found = compose(
      'services:\n  api: {build: ., depends_on: {migrate: {condition: service_completed_successfully}}}\n  migrate: {build: ., command: npm run migrate}\n',
    );
    const [service, ...others] = specOf(found).services;
    assert.deepEqual(others, []);
    assert.equal(service?.commands.preDeploy, 'npm run migrate');
  });

  test('an image of anybody is judged by the reader', () => {
    const found = compose('services:\n  api: {build: .}\n  other: {image: "ghcr.io/a/b:1"}\n');
    assert.equal(specOf(found).services.length, 1);
    assert.match(notesOf(found, 'refused').join('\n'), /services\.other\.image: .*the service is left out/);
  });

  test('the image of a language leaves its program to Kapal; files before a web server are a site', () => {
    const found = compose(
      'services:\n  api: {image: "node:22", command: node a.js}\n  site: {image: nginx, volumes: ["./public:/usr/share/nginx/html:ro"]}\n',
    );
    assert.deepEqual(
      specOf(found).services.map(({ runtime, publishPath, commands }) => [runtime, publishPath, commands.start]),
      [
        ['node', null, 'node a.js'],
        ['static', 'public', null],
      ],
    );
  });

  test('values from elsewhere, and of an env file, are asked for: names come along, values do not', () => {
    const text =
      'services:\n  api: {build: ., env_file: [.env, missing.env], environment: {A: "${A:?needed}", B: "${B:-plain}", C: "$$5", D: }}\n';
    const found = compose(text, { '.env': '# x\nexport TOKEN=hunter2\nPORT=1\n' });
    assert.deepEqual(specOf(found).services[0]?.variables, [
      { key: 'TOKEN', value: { kind: 'prompt' } },
      { key: 'A', value: { kind: 'prompt' } },
      { key: 'B', value: { kind: 'literal', text: 'plain' } },
      { key: 'C', value: { kind: 'literal', text: '$5' } },
      { key: 'D', value: { kind: 'prompt' } },
    ]);
    assert.ok(!found.declaration.includes('hunter2'));
    assert.match(notesOf(found, 'refused').join('\n'), /"missing\.env" could not be read/);
  });

  test('every field of a service has an answer, and an unknown one is refused by name', () => {
    const values: Readonly<Record<string, string>> = {
      image: 'node:22',
      build: '.',
      environment: '{A: b}',
      stop_signal: 'SIGINT',
    };
    for (const field of [...Object.keys(serviceTable), 'wat'].filter((name) => name !== 'profiles')) {
      const fields = field === 'build' ? '' : field === 'image' ? 'build: ., ' : 'build: ., ';
      const found = compose(`services:\n  keep: {build: .}\n  api: {${fields}${field}: ${values[field] ?? 'x'}}\n`);
      const about = found.notes.filter((note) => note.field.startsWith(`services.api.${field}`));
      assert.ok(about.length > 0, field);
      for (const note of about) assert.equal(note.line, 3, field);
    }
    assert.match(
      notesOf(compose('services: {api: {build: ., wat: 1}}'), 'refused').join(),
      /1:\d+: services\.api\.wat: is no field/,
    );
  });

  test('a named volume is a disk; folders of the machine are refused, those of the source are there anyway', () => {
    const found = compose(
      'services:\n  api: {build: ., volumes: ["Files:/var/files", "more:/var/more", ".:/app", "/etc:/etc:ro", "/anonymous"]}\n',
    );
    const [service] = specOf(found).services;
    assert.deepEqual([service?.disk?.name, service?.disk?.mountPath], ['files', '/var/files']);
    const about = found.notes.filter(({ field }) => field.includes('.volumes[')).map(({ kind }) => kind);
    assert.deepEqual(about, ['carried', 'refused', 'warned', 'refused', 'warned']);
  });

  test('a file that Compose would put over it is named', () => {
    const found = compose('services: {api: {build: .}}', { 'compose.override.yaml': 'services: {}' });
    assert.match(notesOf(found, 'refused').join(), /^compose\.override\.yaml:1:1: is not read/);
  });

  test('a text that is no Compose is refused with its place', () => {
    assert.match(
      refusalOf(() => compose('services:\n  - a\n')).message,
      /compose\.yaml:1:1: services: expected a mapping of services, found a list/,
    );
    assert.match(refusalOf(() => compose('a: [\n')).message, /compose\.yaml:\d+:\d+: is not valid YAML/);
    assert.match(refusalOf(() => compose('services: {db: {image: redis}}')).message, /Redis is left out/);
  });
});

test('interpolation, as the Compose Specification has it', () => {
  assert.deepEqual(interpolate('a$$b ${X} $Y ${Z:-d} ${W-e} ${V:?why}'), {
    text: 'a$b   d e ',
    open: ['X', 'Y', 'V'],
  });
  assert.deepEqual(interpolate('plain'), { text: 'plain', open: [] });
});

test('checks and env files', () => {
  assert.equal(checkedPath('wget -qO- http://127.0.0.1:8080/healthz?x=1 >/dev/null'), '/healthz?x=1');
  assert.equal(checkedPath('curl localhost'), null);
  assert.equal(checkedPath('curl http://localhost:3000 || exit 1'), '/');
  assert.equal(checkedPath('pg_isready'), null);
  assert.deepEqual(namesIn('A=1\r\n #B=2\nexport C = 3\nnot a line\n'), ['A', 'C']);
});
