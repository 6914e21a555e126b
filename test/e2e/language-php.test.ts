import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { TestKapal, until } from './kapal.ts';

describe('PHP', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(() => kapal[Symbol.asyncDispose]());

  const visit = async (host: string, path: string) => {
    const { status, body, headers } = await kapal.visit(`${host}.localhost`, path);
    return { status, body, location: headers['location'] };
  };

  test('pages at the top of a source; what is not for visitors is not there', async () => {
    const folder = await kapal.project('warung', {
      'index.php': '<?php require "includes/menu.php"; echo "warung " . menu();',
      'includes/menu.php': '<?php function menu() { return "nasi"; }',
      'admin/index.php': '<?php echo "admin";',
      'style.css': 'body{}',
      '.env': 'SECRET=1',
      '.htaccess': 'Options -Indexes',
      'composer.json': '{}',
      'config/database.php': '<?php echo "config";',
      'vendor/tool/run.php': '<?php echo "tool";',
      'data.sqlite': 'data',
      'settings.inc': 'secret',
      'index.php~': 'secret',
      'robots.txt': 'User-agent: *',
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await visit('warung', '/')).body, 'warung nasi');
    assert.equal((await visit('warung', '/index.php')).body, 'warung nasi');
    assert.equal((await visit('warung', '/admin/')).body, 'admin');
    const moved = await visit('warung', '/admin?a=b');
    assert.deepEqual([moved.status, moved.location], [301, '/admin/?a=b']);
    assert.equal((await visit('warung', '/style.css')).body, 'body{}');
    assert.equal((await visit('warung', '/robots.txt')).status, 200);
    const hidden = [
      '/.env',
      '/%2eenv',
      '/.htaccess',
      '/.kapal/router.php',
      '/composer.json',
      '/config/database.php',
      '/Config/database.php',
      '/vendor/tool/run.php',
      '/vendor%2ftool/run.php',
      '/data.sqlite',
      '/settings.inc',
      '/index.php~',
      '/nowhere',
    ];
    for (const path of hidden) assert.equal((await visit('warung', path)).status, 404, path);
  });

  test('a front controller in public, with classes by the autoloader of composer', async () => {
    const folder = await kapal.project('toko', {
      'composer.json': '{"require":{"php":">=7.4"},"autoload":{"psr-4":{"Toko\\\\":"src/"}}}',
      'src/Page.php':
        '<?php namespace Toko; final class Page { static function of(string $path): string { return "page " . $path; } }',
      'public/index.php': `<?php
require __DIR__ . '/../vendor/autoload.php';
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/fail') { error_log('something is wrong'); throw new RuntimeException('secret of the code'); }
if ($path === '/meet') {
    $guests = sys_get_temp_dir() . '/guest-';
    touch($guests . getmypid());
    for ($look = 0; $look < 1000 && count(glob($guests . '*')) < 4; $look++) usleep(20000);
    echo count(glob($guests . '*')) < 4 ? 'alone ' : 'met ';
}
echo Toko\\Page::of($path), ' ', $_SERVER['SCRIPT_NAME'];
`,
      'public/build/manifest.json': '{}',
      'public/.env': 'SECRET=1',
      'composer.lock.example': '',
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await visit('toko', '/')).body, 'page / /index.php');
    assert.equal((await visit('toko', '/api/items.json')).body, 'page /api/items.json /index.php');
    assert.equal((await visit('toko', '/build/manifest.json')).body, '{}');
    assert.equal((await visit('toko', '/.env')).status, 404);
    assert.equal((await visit('toko', '/composer.json')).body, 'page /composer.json /index.php');
    const failed = await visit('toko', '/fail');
    assert.deepEqual([failed.status, failed.body], [500, '']);
    await until('the log has the error', async () => {
      const lines = await kapal.json<readonly { text: string }[]>(['logs', 'toko']);
      const text = lines.map((line) => line.text).join('\n');
      return text.includes('something is wrong') && text.includes('secret of the code');
    });
    const met = await Promise.all(Array.from({ length: 4 }, () => visit('toko', '/meet')));
    assert.deepEqual(
      met.map(({ body }) => body.split(' ')[0]),
      ['met', 'met', 'met', 'met'],
      'several processes answer at a time: each waits for the others',
    );
  });

  test('an extension that the machine lacks is named with its package', async () => {
    const folder = await kapal.project('kurang', {
      'composer.json': '{"require":{"ext-nosuchthing":"*"}}',
      'index.php': '',
    });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.error?.code, 'toolchain_missing');
    assert.match(service?.error?.message ?? '', /lacks the extension nosuchthing, and composer\.json requires it/);
    assert.match(service?.error?.hint ?? '', /apt-get install php-nosuchthing/);
  });

  test('an install that fails ends with what composer says', async () => {
    const folder = await kapal.project('gagal', {
      'composer.json': '{"require":{"toko/nowhere":"^1"},"repositories":[{"packagist.org":false}]}',
      'index.php': '',
    });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.error?.code, 'build_failed');
    assert.match(service?.error?.log?.join('\n') ?? '', /toko\/nowhere/);
  });
});
