import assert from 'node:assert/strict';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { exec } from '../../src/lib/exec.ts';
import { TestKapal } from './kapal.ts';

const script = `require "socket"
require "halo"
server = TCPServer.new(ENV.fetch("HOST"), Integer(ENV.fetch("PORT")))
loop do
  client = server.accept
  nil while (line = client.gets) && line != "\\r\\n"
  body = "#{Halo.say} by #{$LOADED_FEATURES.grep(/halo/).first}"
  client.write "HTTP/1.1 200 OK\\r\\nContent-Length: #{body.bytesize}\\r\\nConnection: close\\r\\n\\r\\n#{body}"
  client.close
end
`;

const gemspec = `Gem::Specification.new do |gem|
  gem.name = "halo"
  gem.version = "1.0.0"
  gem.summary = "says halo"
  gem.authors = ["Kapal"]
  gem.files = ["lib/halo.rb"]
end
`;
const library = 'module Halo\n  def self.say = "halo"\nend\n';

const rails = {
  Gemfile: 'source "https://rubygems.org"\ngem "rails"\ngem "puma"\ngem "sqlite3"\n',
  Rakefile: 'require_relative "config/application"\nRails.application.load_tasks\n',
  'config.ru': 'require_relative "config/environment"\nrun Rails.application\n',
  'bin/rails':
    '#!/usr/bin/env ruby\nAPP_PATH = File.expand_path("../config/application", __dir__)\nrequire_relative "../config/boot"\nrequire "rails/commands"\n',
  'config/boot.rb': 'ENV["BUNDLE_GEMFILE"] ||= File.expand_path("../Gemfile", __dir__)\nrequire "bundler/setup"\n',
  'config/application.rb': `require_relative "boot"
require "rails"
require "active_record/railtie"
require "action_controller/railtie"
Bundler.require(*Rails.groups)
module Toko
  class Application < Rails::Application
    config.load_defaults 6.1
    config.api_only = true
    config.eager_load = true
    config.hosts.clear
  end
end
`,
  'config/environment.rb': 'require_relative "application"\nRails.application.initialize!\n',
  'config/database.yml': 'production:\n  adapter: sqlite3\n  database: toko.sqlite3\n',
  'config/routes.rb': 'Rails.application.routes.draw { get "/books", to: "books#index" }\n',
  'config/puma.rb':
    'threads 2, 2\nport ENV.fetch("PORT") { 3000 }\npidfile ENV.fetch("PIDFILE") { "tmp/pids/server.pid" }\n',
  'tmp/pids/.keep': '',
  'app/controllers/books_controller.rb':
    'class BooksController < ActionController::API\n  def index = render(plain: "books: #{Book.count}, #{Rails.env}, #{ENV["KAPAL_INSTANCE"]}")\nend\n',
  'app/models/book.rb': 'class Book < ActiveRecord::Base\nend\n',
  'db/migrate/20240101000000_create_books.rb':
    'class CreateBooks < ActiveRecord::Migration[6.1]\n  def change\n    create_table(:books) { |table| table.string :title }\n  end\nend\n',
};

describe('Ruby', () => {
  let kapal: TestKapal;
  before(async () => {
    kapal = await TestKapal.start();
  });
  after(() => kapal[Symbol.asyncDispose]());

  test('config.ru alone, by the rackup and puma of the machine', async () => {
    const folder = await kapal.project('rak', {
      'config.ru': 'run ->(env) { [200, { "content-type" => "text/plain" }, ["rak " + env["PATH_INFO"]]] }\n',
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('rak.localhost', '/buku')).body, 'rak /buku');
  });

  test('Sinatra of one file', async () => {
    const folder = await kapal.project('nyanyi', {
      'hello.rb': 'require "sinatra"\nget("/:name") { "halo #{params[:name]} in #{settings.environment}" }\n',
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.equal((await kapal.visit('nyanyi.localhost', '/Sari')).body, 'halo Sari in production');
  });

  test('Rails, migrated, in two instances that share the folder of their release', async () => {
    const folder = await kapal.project('toko', {
      ...rails,
      // Gems of Debian's in place of those of the registry, which tests do not reach, where bundler has put them elsewhere.
      'gems.sh': `set -eu
place=vendor/bundle/ruby/$(ruby -e 'print RbConfig::CONFIG["ruby_version"]')
mkdir -p "$place"
for part in $(gem env gempath | tr : ' '); do [ ! -d "$part/specifications" ] || cp -rf "$part"/. "$place"; done
# Debian's are compiled, and the libraries of some lie elsewhere.
for spec in "$place"/specifications/*.gemspec; do mkdir -p "$place/gems/$(basename "$spec" .gemspec)/lib"; done
sed -i '/\\.extensions = /d' "$place"/specifications/*.gemspec
bundle install --local
`,
      'kapal.yaml': `services:
  - type: web
    name: toko
    buildCommand: sh gems.sh && chmod +x bin/rails
    numInstances: 2
    healthCheckPath: /books
    envVars:
      - {key: SECRET_KEY_BASE, generateValue: true}
`,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    const answers = new Set<string>();
    for (let at = 0; at < 6; at++) answers.add((await kapal.visit('toko.localhost', '/books')).body);
    assert.equal(answers.size, 2, [...answers].join('\n'));
    for (const answer of answers) assert.match(answer, /^books: 0, production, /);
  });

  test('a gem of its own folder, under a lock that was written on another kind of machine', async () => {
    const folder = await kapal.project('sendiri', {
      Gemfile: 'gem "halo", path: "halo"\n',
      'Gemfile.lock':
        'PATH\n  remote: halo\n  specs:\n    halo (1.0.0)\n\nGEM\n  specs:\n\nPLATFORMS\n  arm64-darwin-23\n\nDEPENDENCIES\n  halo!\n\nBUNDLED WITH\n   2.3.7\n',
      'halo/halo.gemspec': gemspec,
      'halo/lib/halo.rb': library,
      'server.rb': script,
    });
    const [service] = (await kapal.deploy(folder)).services;
    assert.equal(service?.outcome, 'live');
    assert.match((await kapal.visit('sendiri.localhost')).body, /^halo by .*\/halo\/lib\/halo\.rb$/);
  });

  test('gems by a lock go into the release; when nothing of it changed they are taken from the last build', async () => {
    const index = await gemIndex(kapal.folder);
    const files = {
      Gemfile: `source "file://${index}"\ngem "halo"\n`,
      'Gemfile.lock': `GEM\n  remote: file://${index}/\n  specs:\n    halo (1.0.0)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  halo\n\nBUNDLED WITH\n   2.3.7\n`,
      'server.rb': script,
    };
    const folder = await kapal.project('permata', files);
    assert.equal((await kapal.deploy(folder)).services[0]?.outcome, 'live');
    assert.match((await kapal.visit('permata.localhost')).body, /^halo by .*\/releases\/.*\/vendor\/bundle\//);
    // Gone: only what was kept can be there.
    await rename(index, `${index}-gone`);
    await kapal.project('permata', { ...files, 'server.rb': script.replace('"#{Halo', '"2 #{Halo') });
    assert.equal((await kapal.deploy(folder)).services[0]?.outcome, 'live');
    assert.match((await kapal.visit('permata.localhost')).body, /^2 halo by .*\/vendor\/bundle\//);
  });

  test('an install that fails ends with what bundler says', async () => {
    const folder = await kapal.project('gagal', {
      Gemfile: `source "file://${kapal.folder}/nowhere"\ngem "rack"\n`,
      'config.ru': 'run 1',
      'kapal.yaml': 'services: [{type: web, name: gagal, startCommand: bundle exec rackup}]',
    });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.error?.code, 'build_failed');
    assert.match(service?.error?.log?.join('\n') ?? '', /nowhere/);
  });

  test('another version than the machine has is named with both', async () => {
    const folder = await kapal.project('lama', { 'config.ru': 'run 1', '.ruby-version': '2.4.1' });
    const [service] = (await kapal.deployFailing(folder)).services;
    assert.equal(service?.error?.code, 'toolchain_missing');
    assert.match(
      service?.error?.message ?? '',
      /^ruby 2\.4\.1 \(\.ruby-version\) is asked for, and this machine has ruby \d+\.\d+\.\d+$/,
    );
  });
});

/** An index of gems as files, with the gem halo. */
async function gemIndex(folder: string): Promise<string> {
  const source = join(folder, 'halo-source');
  const index = join(folder, 'gems');
  await mkdir(join(source, 'lib'), { recursive: true });
  await mkdir(join(index, 'gems'), { recursive: true });
  await writeFile(join(source, 'halo.gemspec'), gemspec);
  await writeFile(join(source, 'lib/halo.rb'), library);
  const built = await exec('gem', ['build', 'halo.gemspec', '--output', join(index, 'gems', 'halo-1.0.0.gem')], {
    cwd: source,
  });
  assert.ok(built.ok, built.stderr);
  const generated = await exec('gem', ['generate_index', '--directory', index]);
  assert.ok(generated.ok, generated.stderr);
  for (const path of [index, join(index, 'gems')]) await chmod(path, 0o755);
  return index;
}
