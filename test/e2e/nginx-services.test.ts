import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EdgeCheckDocument, EdgeConfigDocument } from '../../src/api/contract/types.ts';
import { isAlive, processesOf, send } from './install.ts';
import type { TestKapal } from './kapal.ts';
import { nginxNow, reloadsOf, startWithNginx } from './nginx.ts';
import { eventually } from './survival.ts';
import { Visitors } from './visitors.ts';

const front = `
const http = require('node:http');
http.createServer((request, response) => {
  const asked = http.get('http://' + process.env.CATALOGUE + '/', { agent: false }, (answer) => answer.pipe(response));
  asked.on('error', (error) => response.writeHead(503).end(String(error)));
}).listen(Number(process.env.PORT), process.env.HOST);
`;
const catalogue = (text: string) =>
  `require('node:http').createServer((_, response) => response.end('${text}')).listen(Number(process.env.PORT), process.env.HOST);\n`;

const publicOnly = `
project: shop
services:
  - {type: static, name: site, rootDir: site, staticPublishPath: ., staticFallback: index.html}
`;
const withPrivate = `${publicOnly}
  - type: web
    name: front
    runtime: node
    rootDir: front
    startCommand: node server.js
    envVars: [{key: CATALOGUE, fromService: {type: pserv, name: catalogue, property: hostport}}]
  - {type: pserv, name: catalogue, runtime: node, rootDir: catalogue, startCommand: node server.js, numInstances: 2}
`;

describe('every kind of service behind nginx', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await startWithNginx();
  });
  after(() => kapal[Symbol.asyncDispose]());

  const deploy = async (declaration: string, text = 'first') =>
    kapal.deploy(
      await kapal.project('shop', {
        'kapal.yaml': declaration,
        'site/index.html': '<h1>home</h1>',
        'site/assets/a.css': 'body { color: black }',
        'front/server.js': front,
        'catalogue/server.js': catalogue(text),
      }),
      '--prune',
    );
  /** The engine that carries private streams beside nginx. */
  const beside = () => processesOf(kapal).filter(({ command }) => /keeper\.sh|worker\.ts/.test(command));

  test('a static site: files by nginx itself, one page for all other paths, validators', async () => {
    await deploy(publicOnly);
    const style = await kapal.visit('site.localhost', '/assets/a.css');
    assert.deepEqual(
      [style.status, style.headers['content-type'], style.body],
      [200, 'text/css; charset=utf-8', 'body { color: black }'],
    );
    assert.equal((await kapal.visit('site.localhost', '/any/where')).body, '<h1>home</h1>');
    const again = await kapal.visit('site.localhost', '/assets/a.css', {
      headers: { 'if-none-match': String(style.headers['etag']) },
    });
    assert.deepEqual([again.status, again.body], [304, '']);
    assert.equal((await kapal.visit('nobody.localhost')).status, 404);
    assert.deepEqual(beside(), [], 'without private services nginx is alone');
  });

  test('a private service is reached by who declared it, through its deploys, and by no visitor', async () => {
    const nginx = nginxNow(kapal);
    await deploy(withPrivate);
    assert.equal((await kapal.visit('front.localhost')).body, 'first');
    assert.equal((await kapal.visit('catalogue.localhost')).status, 404);
    await using visitors = new Visitors({ port: kapal.http, host: 'front.localhost' });
    await deploy(withPrivate, 'second');
    assert.equal((await kapal.visit('front.localhost')).body, 'second');
    await kapal.json(['scale', 'catalogue=1']);
    const { failed, answers } = await visitors.stop();
    assert.deepEqual(failed, []);
    assert.deepEqual([...answers.keys()].toSorted(), ['first', 'second']);
    assert.deepEqual(nginxNow(kapal), nginx);
    assert.deepEqual(reloadsOf(kapal), []);
  });

  test('what carries private streams is looked after as well, and ends with the last of them', async () => {
    const killed = beside();
    assert.ok(killed.length > 0);
    for (const { pid } of killed) send(pid, 'SIGKILL');
    await eventually('they have ended', () => !killed.some(({ pid }) => isAlive(pid)));
    await eventually('it is reached again', async () => (await kapal.visit('front.localhost')).body === 'second');
    await deploy(publicOnly);
    await eventually('nginx is alone again', () => beside().length === 0);
    assert.equal((await kapal.visit('site.localhost')).body, '<h1>home</h1>');
  });

  test('edge config is what nginx runs, explained; edge check has nginx test the next one', async () => {
    const { text } = await kapal.json<EdgeConfigDocument>(['edge', 'config']);
    assert.match(text, new RegExp(`^# nginx edge on http://127\\.0\\.0\\.1:${kapal.http} `));
    assert.match(text, new RegExp(`^ +listen 127\\.0\\.0\\.1:${kapal.http} `, 'm'));
    assert.match(text, /^ +balancer_by_lua_block/m);
    assert.match(text, /site\.localhost/);
    const blocks = text.split('\n').filter((line) => /^\s*(?:server|upstream|location|events|http)\b.*\{$/.test(line));
    const comments = text.split('\n').filter((line) => line.trim().startsWith('#'));
    assert.ok(comments.length > blocks.length, `${comments.length} comments for ${blocks.length} blocks`);
    assert.equal((await kapal.run('edge', 'config')).stdout.trim(), text.trim());
    assert.deepEqual((await kapal.json<EdgeCheckDocument>(['edge', 'check'])).problems, []);
  });
});
