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
