import type { CorpusProject } from './shape.ts';

const serve = 'exec /bin/sh .kapal/serve';
const composer = 'composer install --no-dev --optimize-autoloader --no-interaction --no-progress';

export const phpProjects: readonly CorpusProject[] = [
  {
    name: 'php-plain',
    files: { 'index.php': '<?php echo "gajah at " . $_SERVER["REQUEST_URI"];\n', 'style.css': 'body {}' },
    expect: [{ runtime: 'php', start: serve, needs: ['php (php-cli)'] }],
    visits: { 'php-plain': { path: '/', sees: /^gajah at \/$/ } },
  },
  {
    name: 'php-in-public',
    files: {
      'public/index.php': '<?php require __DIR__ . "/../src/words.php"; echo words();\n',
      'src/words.php': '<?php function words() { return "kata dari src"; }\n',
    },
    expect: [{ runtime: 'php', start: serve, needs: ['php (php-cli)'] }],
    visits: { 'php-in-public': { path: '/any/route', sees: /^kata dari src$/ } },
  },
  {
    name: 'php-laravel',
    files: {
      'composer.json':
        '{"require":{"php":"^8.1","laravel/framework":"^10.10"},"autoload":{"psr-4":{"App\\\\":"app/"}}}',
      'composer.lock': '{"packages":[{"name":"laravel/framework"}]}',
      artisan: '#!/usr/bin/env php\n',
      'public/index.php': '<?php\n',
      'bootstrap/app.php': '<?php\n',
      'resources/views/welcome.blade.php': '',
      'database/migrations/2014_10_12_000000_create_users_table.php': '<?php\n',
      'package.json':
        '{"private":true,"scripts":{"dev":"vite","build":"vite build"},"devDependencies":{"vite":"^5.0.0","laravel-vite-plugin":"^1.0.0"}}',
      'package-lock.json': '{}',
    },
    expect: [
      {
        runtime: 'php',
        install: [
          'mkdir -p storage/framework/cache/data storage/framework/sessions storage/framework/views storage/app/public storage/logs bootstrap/cache',
          '[ ! -d public ] || [ -e public/storage ] || [ -L public/storage ] || ln -s ../storage/app/public public/storage',
          composer,
          'npm ci --include=dev',
        ],
        build: ['npm run build', 'VIEW_COMPILED_PATH="$PWD/bootstrap/cache/views" php artisan view:cache'],
        preDeploy: 'php artisan migrate --force',
        start: serve,
        needs: [
          'php ^8.1 (composer.json) (php-cli)',
          'composer (composer unzip)',
          'php with the extension mbstring (php-mbstring)',
          'php with the extension dom (php-xml)',
          'php with the extension curl (php-curl)',
        ],
      },
    ],
  },
  {
    name: 'php-symfony',
    files: {
      'composer.json':
        '{"require":{"php":">=8.1","ext-ctype":"*","ext-iconv":"*","symfony/framework-bundle":"6.4.*","symfony/runtime":"6.4.*"}}',
      'composer.lock': '{"packages":[{"name":"symfony/framework-bundle"}]}',
      'bin/console': '#!/usr/bin/env php\n',
      'config/bundles.php': '<?php\n',
      'public/index.php': '<?php\n',
      'src/Kernel.php': '<?php\n',
      'symfony.lock': '{}',
    },
    expect: [
      {
        runtime: 'php',
        install: [composer],
        start: serve,
        needs: [
          'php >=8.1 (composer.json) (php-cli)',
          'composer (composer unzip)',
          'php with the extension ctype (php-ctype)',
          'php with the extension iconv (php-iconv)',
          'php with the extension mbstring (php-mbstring)',
          'php with the extension dom (php-xml)',
        ],
      },
    ],
  },
  {
    name: 'php-library',
    files: { 'composer.json': '{"name":"ada/words","require":{"php":">=7.4"}}', 'src/Words.php': '<?php\n' },
    expect: { code: 'nothing_to_deploy', words: [/^composer\.json was found, but it does not say how to start/] },
  },
];
