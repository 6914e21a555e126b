import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { buildFailureHint } from '../../../src/build/failure-causes.ts';

describe('why a build failed', () => {
  /** Lines as the programs print them. */
  const cases: readonly (readonly [name: string, lines: readonly string[], hint: RegExp | null])[] = [
    ['webpack 4 on a new Node', ["  code: 'ERR_OSSL_EVP_UNSUPPORTED'", '}'], /older Node/],
    [
      'a React app with CI=true',
      ['Treating warnings as errors because process.env.CI = true.', 'Failed to compile.'],
      /CI=false/,
    ],
    [
      "npm's lock file behind package.json",
      [
        'npm error code EUSAGE',
        'npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.',
      ],
      /run npm install, and commit/,
    ],
    ['an older npm, the same', ['npm ERR! code EUSAGE'], /run npm install, and commit/],
    ["pnpm's", [' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile"'], /pnpm install/],
    ["yarn's", ['error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.'], /yarn install/],
    [
      'no heap left',
      ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
      /max-old-space/,
    ],
    [
      'a package that is not there',
      ['npm error code E404', "npm error 404  'no-such-thing-at-all@^1.0.0' is not in this registry."],
      /no no-such-thing-at-all@\^1\.0\.0:/,
    ],
    [
      'a version that is not there',
      ['npm error code ETARGET', 'npm error notarget No matching version found for is-number@99.0.0.'],
      /no is-number@99\.0\.0/,
    ],
    ['a private authority', ['npm error code SELF_SIGNED_CERT_IN_CHAIN'], /NODE_EXTRA_CA_CERTS/],
    [
      'no name',
      ['npm error network request failed, reason: getaddrinfo ENOTFOUND registry.example.com'],
      /registry\.example\.com/,
    ],
    ['no compiler', ['gyp ERR! find Python'], /build-essential/],
    [
      'no venv',
      ['The virtual environment was not created successfully because ensurepip is not available.'],
      /python3-venv/,
    ],
    ['pip of the machine', ['error: externally-managed-environment'], /venv/],
    [
      'pip without a network',
      [
        'WARNING: Retrying after connection broken by NewConnectionError: Failed to establish a new connection: [Errno -2]',
        'ERROR: No matching distribution found for flask',
      ],
      /does not reach the package index/,
    ],
    ['no such package', ['ERROR: No matching distribution found for flask==99.1'], /no flask==99\.1 for this Python/],
    ['psycopg2 without its library', ['Error: pg_config executable not found.'], /psycopg2-binary/],
    ['Python without headers', ['src/x.c:1:10: fatal error: Python.h: No such file or directory'], /python3-dev/],
    ['Ruby without headers', ["mkmf.rb can't find header files for ruby at /usr/lib/ruby/include/ruby.h"], /ruby-dev/],
    [
      'another Ruby',
      ['Your Ruby version is 3.1.2, but your Gemfile specified ~> 3.2.0'],
      /has Ruby 3\.1\.2: install ~> 3\.2\.0/,
    ],
    [
      "bundler's lock file",
      ["The dependencies in your gemfile changed, but the lockfile can't be updated because frozen mode is set"],
      /run bundle install, and commit/,
    ],
    [
      'bundler without a network',
      ['Could not reach host index.rubygems.org. Check your network'],
      /does not reach index\.rubygems\.org:/,
    ],
    [
      'a gem that does not compile',
      ['An error occurred while installing nokogiri (1.13.0), and Bundler cannot continue.'],
      /nokogiri 1\.13\.0/,
    ],
    [
      'an extension of PHP',
      [
        '  - Root composer.json requires PHP extension ext-gd * but it is missing',
        '  - a/b requires ext-gd * -> it is missing from your system.',
      ],
      /php-gd/,
    ],
    [
      "composer's lock file",
      ['Your lock file does not contain a compatible set of packages. Please run composer update.'],
      /composer update/,
    ],
    ['no room', ['npm error code ENOSPC'], /disk is full/],
    ['no program (dash)', ['sh: 1: tsc: not found'], /program tsc/],
    ['no file', ["Error: Cannot find module './Header'"], /same case/],
    ['no package', ["Error: Cannot find module 'express'"], /express is not installed/],
    ['nothing known', ['exit 3'], null],
  ];
  for (const [name, lines, hint] of cases) {
    test(name, () => {
      const found = buildFailureHint(['> shop@1.0.0 build', ...lines, '']);
      if (hint === null) assert.equal(found, null);
      else assert.match(found ?? '', hint);
    });
  }
});
