import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exportCompose } from '../../src/convert/export/compose.ts';
import { exportNginx } from '../../src/convert/export/nginx.ts';
import { exportSystemd } from '../../src/convert/export/systemd.ts';
import type { Spec } from '../../src/spec/spec.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';
import { importing, node, specOf } from '../unit/convert/converting.ts';
import { read } from '../unit/spec/source.ts';

/** What is exported, before the programs that it is for. */
let ground: string;
before(() => {
  ground = mkdtempSync(join(tmpdir(), 'kapal-export-'));
});
after(() => rmSync(ground, { recursive: true, force: true }));

const declared = readFileSync(join(import.meta.dirname, '../golden/convert/fixtures/shop/kapal.yaml'), 'utf8');
const shop = declaration({ 'kapal.yaml': declared });

function declaration(tree: Readonly<Record<string, string>>): Spec {
  return read({ ...node, 'jobs/package.json': '{}', 'site/index.html': '', ...tree });
}

function configured(spec: Spec, name: string): string {
  const folder = join(ground, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'shop.conf'), exportNginx(spec).files[0]?.text ?? '');
  const path = join(folder, 'nginx.conf');
  const own = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${folder}/${kind};`)
    .join(' ');
  writeFileSync(
    path,
    `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${own} include ${folder}/shop.conf; }\n`,
  );
  return path;
}

function judged(path: string): { readonly status: number | null; readonly said: string } {
  const { status, stderr } = spawnSync('nginx', ['-t', '-q', '-e', 'stderr', '-c', path], { encoding: 'utf8' });
  return { status, said: stderr };
}

describe('nginx', () => {
  test('takes the sites of the golden declaration', () => {
    assert.deepEqual(judged(configured(shop, 'golden')), { status: 0, said: '' });
  });

  test('takes whatever a declaration may hold', () => {
    const text = `project: shop
services:
  - type: web
    name: a-b
    startCommand: x
    domains: ["a.example.com/$&'()*+,;=:@-x", "*.b.example.com", "a.example.com/$&'()*+,;=:@-x/y"]
    edge:
      stripPath: true
      balance: random-two
      basicAuth: {realm: "a; } { $x #", users: [{name: a, passwordVariable: P}]}
      redirects: [{source: "/%7Bx%7D/:id/*", destination: "/y/:id/*?z=:id#f", status: 302}, {source: "/a%20b;c'", destination: "https://[::1]:8080/%22"}, {source: "/%C3%A4/*", destination: "/*"}]
      rewrites: [{source: "/%C3%A4/:q", destination: "/:q?a=$1&b=c"}, {source: "/$/*", destination: "/$/*"}]
      responseHeaders: {set: {X-A: 'a; } { $host \\\\ "b" #', "x!#$%&'*+.^_\`|~": b}}
      requestHeaders: {set: {X-A: '\${x}'}}
    envVars: [{key: P, sync: false}]
  - {type: static, name: s, domains: [s.example.com], rootDir: site, staticPublishPath: "a $b; {c}", staticFallback: 'd"e.html', headers: [{path: /*, name: X-S, value: "$"}]}
  - {type: proxy, name: p, upstreams: [{address: "https://[2001:db8::1]:8443"}], edge: {preserveHost: false, balance: ip-hash, upstreamTls: {verify: false, serverName: x.example.com}}}
`;
    assert.deepEqual(judged(configured(declaration({ 'kapal.yaml': text }), 'any')), { status: 0, said: '' });
  });

  test('refuses them where they are not sound, so that the test above can fail', () => {
    const path = configured(shop, 'broken');
    const conf = join(dirname(path), 'shop.conf');
    writeFileSync(conf, readFileSync(conf, 'utf8').replace('proxy_http_version', 'proxy_http_versions'));
    assert.equal(judged(path).status, 1);
  });

  test('serves as declared: path, redirect, rewrite, headers, files and their fallback', async (t) => {
    const app = createServer((asked, answer) => {
      answer.setHeader('Server', 'app').setHeader('X-Own', 'app');
      answer.end(JSON.stringify({ url: asked.url, headers: asked.headers }));
    });
    const appPort = await freePort();
    await new Promise<void>((resolve) => app.listen(appPort, '127.0.0.1', resolve));
    t.after(() => app.close());
    const spec = declaration({
      'kapal.yaml': `project: shop
services:
  - type: web
    name: api
    startCommand: npm start
    domains: [shop.example.com, www.example.com/api]
    edge:
      stripPath: true
      redirects: [{source: "/old/:id", destination: "/new/:id", status: 308}, {source: "/x/*", destination: "https://e.example/*?a=$b"}]
      rewrites: [{source: "/a/*", destination: "/b/*"}]
      requestHeaders: {set: {X-A: 'a"$b\\'}, remove: [X-B]}
      responseHeaders: {set: {X-C: "c $d"}, remove: [X-Own]}
  - {type: static, name: site, domains: [www.example.com], rootDir: site, staticPublishPath: ., staticFallback: index.html, routes: [{type: redirect, source: /old, destination: /new}]}
`,
    });
    const path = configured(spec, 'serving');
    const conf = join(dirname(path), 'shop.conf');
    const port = await freePort();
    const root = join(dirname(path), 'srv');
    mkdirSync(root);
    writeFileSync(join(root, 'index.html'), 'home');
    writeFileSync(join(root, 'a.txt'), 'file');
    for (let folder = root; folder !== tmpdir(); folder = dirname(folder)) chmodSync(folder, 0o755);
    // What only this machine has: its ports and its folder.
    const text = readFileSync(conf, 'utf8')
      .replaceAll('listen 80;', `listen 127.0.0.1:${port};`)
      .replaceAll(/ *listen \[::\]:80;\n/g, '')
      .replaceAll('127.0.0.1:3001', `127.0.0.1:${appPort}`)
      .replaceAll('/srv/shop/site', root);
    writeFileSync(conf, text);
    assert.deepEqual(judged(path), { status: 0, said: '' });
    const nginx = spawn('nginx', ['-e', 'stderr', '-c', path], { stdio: 'ignore' });
    // SIGTERM: a master that is killed leaves its workers.
    t.after(async () => {
      const gone = once(nginx, 'exit');
      nginx.kill();
      await gone;
    });
    const get = (host: string, url: string): Promise<Got> => ask(port, { host, url });
    await until('nginx serves', () =>
      get('www.example.com', '/').then(
        ({ body }) => body === 'home',
        () => false,
      ),
    );

    const plain = await get('shop.example.com', '/p?q=1');
    const seen = JSON.parse(plain.body) as { url: string; headers: Readonly<Record<string, string>> };
    assert.equal(seen.url, '/p?q=1');
    assert.deepEqual(
      [seen.headers['x-a'], seen.headers['x-b'], seen.headers['x-forwarded-for']],
      ['a"$b\\', undefined, '127.0.0.1'],
    );
    assert.deepEqual([plain.headers['x-c'], plain.headers['x-own']], ['c $d', undefined]);
    assert.match((await get('www.example.com', '/api/p%20x/y')).body, /^\{"url":"\/p%20x\/y"/);
    assert.match((await get('www.example.com', '/api')).body, /^\{"url":"\/"/);
    assert.match((await get('shop.example.com', '/a/c/d?e=1')).body, /^\{"url":"\/b\/c\/d\?e=1"/);
    const redirected = await get('shop.example.com', '/old/7%0d%0aX:y?z=1');
    assert.deepEqual(
      [redirected.status, redirected.headers['location'], redirected.headers['x']],
      [308, '/new/7%0d%0aX:y?z=1', undefined],
    );
    assert.equal((await get('shop.example.com', '/x/y/z')).headers['location'], 'https://e.example/y/z?a=$b');
    assert.equal((await get('www.example.com', '/a.txt')).body, 'file');
    assert.equal((await get('www.example.com', '/nowhere')).body, 'home');
    assert.equal((await get('www.example.com', '/old')).status, 301);
  });
});

interface Got {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

function ask(port: number, { host, url }: { host: string; url: string }): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: url, headers: { host, 'x-b': 'b' } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (body += piece));
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}

test('systemd takes the units', () => {
  const folder = join(ground, 'units');
  mkdirSync(folder);
  const { files } = exportSystemd(shop);
  const units = files.filter(({ path }) => path.endsWith('.service'));
  assert.ok(units.some(({ path }) => path.includes('@')));
  for (const { path, text } of units) {
    const unit = join(folder, path.replace('@.', '@3001.'));
    writeFileSync(unit, text);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    assert.deepEqual({ path, status, stderr }, { path, status: 0, stderr: '' });
    writeFileSync(unit, text.replace('Type=exec', 'Type=nonsense'));
    const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
    assert.match(wrong.stderr, /nonsense/);
  }
});

test('compose reads back what it can say', () => {
  const text = exportCompose(shop).files[0]?.text ?? '';
  const back = specOf(importing('compose', { tree: { 'compose.yaml': text, 'jobs/package.json': '{}' } }), {
    'jobs/package.json': '{}',
  });
  const facts = ({ services }: Spec): unknown =>
    services
      .filter(({ type }) => type !== 'proxy')
      .map(({ name, type, rootDir, commands, instances, memoryLimit, shutdownDelay, health, disk }) => ({
        name,
        type,
        rootDir: type === 'static' ? '.' : rootDir,
        start: commands.start,
        preDeploy: commands.preDeploy,
        instances,
        memoryLimit,
        shutdownDelay,
        health: health.path,
        disk: disk?.mountPath,
      }));
  assert.deepEqual(facts(back), facts(shop));
  assert.equal(back.project, 'shop');
});
