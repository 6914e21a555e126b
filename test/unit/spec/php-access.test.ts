import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { type Access, accessOf, type Treatment } from '../../../src/spec/language/php/access.ts';
import { sizing } from '../../../src/spec/language/php/supervisor.ts';

/** As nginx and the router read the table. */
function treatmentOf({ rules, otherwise }: Access, path: string): Treatment {
  const rule = rules.find(({ pattern, ignoresCase }) => new RegExp(pattern, ignoresCase ? 'i' : '').test(path));
  return rule?.treatment ?? otherwise;
}

const inPublic = accessOf({ documentRoot: 'public', hasFrontController: true }, 'storage');
const atTop = accessOf({ documentRoot: '.', hasFrontController: true }, 'wp-content/uploads');
const drupal = accessOf({ documentRoot: 'web', hasFrontController: true }, 'web/sites/default/files');
const named = accessOf({ documentRoot: '.', hasFrontController: false }, 'my (old) media+');

/** Path, then what becomes of it below `public`, and at the top of a source. */
const table: readonly (readonly [path: string, inPublic: Treatment, atTop: Treatment])[] = [
  ['/', 'file', 'look'],
  ['/about', 'file', 'look'],
  ['/index.php', 'script', 'script'],
  ['/index.php/a/b', 'script', 'script'],
  ['/wp-admin/', 'file', 'look'],
  ['/style.css', 'file', 'file'],
  ['/build/app.JS', 'file', 'file'],
  ['/build/manifest.json', 'file', 'look'],
  ['/robots.txt', 'file', 'file'],
  ['/notes.txt', 'file', 'look'],
  ['/.well-known/assetlinks.json', 'file', 'file'],
  ['/.well-known/.env', 'deny', 'deny'],
  ['/.env', 'deny', 'deny'],
  ['/.git/config', 'deny', 'deny'],
  ['/a/.htaccess', 'deny', 'deny'],
  ['/.kapal/nginx.conf', 'deny', 'deny'],
  ['/vendor/autoload.php', 'script', 'deny'],
  ['/Vendor/a.css', 'file', 'deny'],
  ['/vendors', 'file', 'look'],
  ['/storage/app/list.pdf', 'file', 'deny'],
  ['/storage/evil.php', 'deny', 'deny'],
  ['/var/log', 'file', 'deny'],
  ['/config/app.php', 'script', 'deny'],
  ['/composer.json', 'hide', 'hide'],
  ['/composer.lock', 'hide', 'hide'],
  ['/sub/composer.json', 'hide', 'hide'],
  ['/index.php~', 'hide', 'hide'],
  ['/index.php.bak', 'hide', 'hide'],
  ['/old.PHP', 'hide', 'hide'],
  ['/page.phtml', 'hide', 'hide'],
  ['/dump.sql', 'hide', 'hide'],
  ['/error.log', 'hide', 'hide'],
  ['/services.yaml', 'hide', 'hide'],
  ['/wp-content/uploads/a.png', 'file', 'file'],
  ['/wp-content/uploads/a.txt', 'file', 'file'],
  ['/wp-content/uploads/a.sql', 'hide', 'hide'],
  ['/wp-content/uploads/2026/a.php', 'deny', 'deny'],
  ['/wp-content/uploads/a.php/x.png', 'deny', 'deny'],
  ['/wp-content/uploads/a.pHp5', 'deny', 'deny'],
  ['/wp-content/uploads/a.phar', 'deny', 'deny'],
  ['/uploads/a.php', 'deny', 'deny'],
  ['/wp-content/themes/x/page.php', 'script', 'script'],
  ['/a\\b', 'deny', 'deny'],
  ['/a\u0000.php', 'deny', 'deny'],
];

describe('who may see what of a PHP application', () => {
  for (const [path, below, top] of table)
    test(JSON.stringify(path), () => {
      assert.deepEqual([treatmentOf(inPublic, path), treatmentOf(atTop, path)], [below, top]);
    });

  test('the kept folder is never run, whatever it is called', () => {
    assert.equal(treatmentOf(drupal, '/sites/default/files/a.php'), 'deny');
    assert.equal(treatmentOf(drupal, '/sites/default/files/a.png'), 'file');
    assert.equal(treatmentOf(drupal, '/core/install.php'), 'script');
    assert.equal(treatmentOf(drupal, '/core/core.module'), 'hide');
    assert.equal(treatmentOf(named, '/my (old) media+/a.php'), 'deny');
    assert.equal(treatmentOf(named, '/my (old) media+/a.txt'), 'file');
    assert.equal(treatmentOf(named, '/my old media/a.txt'), 'look');
  });
});

describe('how many scripts run at a time', () => {
  const MB = 1024 ** 2;
  const cases: readonly (readonly [processors: number, memory: number, children: number])[] = [
    [1, 1024 * MB, 5],
    [2, 6 * 1024 * MB, 10],
    [2, 256 * MB, 4],
    [8, 512 * MB, 9],
    [2, 128 * MB, 1],
    [2, 16 * MB, 1],
  ];
  for (const [processors, memory, children] of cases)
    test(`${processors} processors and ${memory / MB} MiB: ${children}`, () => {
      const script = `${sizing}\nchildren_of ${processors} ${memory}\necho "$children"`;
      assert.equal(spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).stdout, `${children}\n`);
    });
});
