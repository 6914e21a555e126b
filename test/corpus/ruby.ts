import type { CorpusProject } from './shape.ts';

const lock = (gems: readonly string[], ruby = '') =>
  `GEM\n  remote: https://rubygems.org/\n  specs:\n${gems.map((gem) => `    ${gem}\n`).join('')}\nPLATFORMS\n  ruby\n  x86_64-linux\n\nDEPENDENCIES\n${gems.map((gem) => `  ${gem.split(' ')[0]}\n`).join('')}${ruby === '' ? '' : `\nRUBY VERSION\n   ruby ${ruby}\n`}\nBUNDLED WITH\n   2.3.15\n`;

/** Answers with its name and the path, on PORT, by Ruby's own sockets. */
const rubyServer = `require 'socket'

server = TCPServer.new('127.0.0.1', Integer(ENV.fetch('PORT')))
loop do
  client = server.accept
  path = client.gets.to_s.split(' ')[1]
  body = "permata at #{path}"
  client.write "HTTP/1.1 200 OK\\r\\ncontent-length: #{body.bytesize}\\r\\nconnection: close\\r\\n\\r\\n#{body}"
  client.close
end
`;

const compiled = ['bundle (ruby-bundler)', 'make (build-essential ruby-dev)', 'ruby with its header files (ruby-dev)'];

export const rubyProjects: readonly CorpusProject[] = [
  {
    name: 'ruby-rails',
    files: {
      Gemfile:
        'source "https://rubygems.org"\nruby "3.2.2"\ngem "rails", "~> 7.1.2"\ngem "pg", "~> 1.1"\ngem "puma", ">= 5.0"\ngem "sprockets-rails"\n',
      'Gemfile.lock': lock(['rails (7.1.2)', 'pg (1.5.4)', 'puma (6.4.0)', 'sprockets-rails (3.4.2)'], '3.2.2p53'),
      'config.ru': 'require_relative "config/environment"\nrun Rails.application\n',
      'config/application.rb': 'module Toko\n  class Application < Rails::Application\n  end\nend\n',
      'config/puma.rb': '',
      'bin/rails': '#!/usr/bin/env ruby\n',
      'app/assets/config/manifest.js': '',
      'db/migrate/20240101000000_create_items.rb': '',
      Rakefile: '',
    },
    expect: [
      {
        runtime: 'ruby',
        install: ['bundle install'],
        build: [
          'SECRET_KEY_BASE_DUMMY=1 SECRET_KEY_BASE="${SECRET_KEY_BASE:-of-no-use-but-for-assets}" bundle exec rails assets:precompile',
        ],
        preDeploy: 'bundle exec rails db:migrate',
        start: 'bundle exec rails server -b $HOST -p $PORT -e production -P ${TMPDIR:-/tmp}/rails-$$.pid',
        needs: ['ruby 3.2.2 (Gemfile) (ruby)', ...compiled, 'pg_config (libpq-dev)'],
      },
    ],
  },
  {
    name: 'ruby-sinatra-rackup',
    files: {
      Gemfile: 'source "https://rubygems.org"\ngem "sinatra"\ngem "puma"\n',
      'Gemfile.lock': lock(['sinatra (3.1.0)', 'puma (6.4.0)']),
      'config.ru': 'require "./app"\nrun Sinatra::Application\n',
      'app.rb': 'require "sinatra"\nget("/") { "halo" }\n',
    },
    expect: [
      {
        runtime: 'ruby',
        install: ['bundle install'],
        start: 'bundle exec puma -b tcp://$HOST:$PORT -e production',
        needs: ['ruby (ruby)', ...compiled],
      },
    ],
  },
  {
    name: 'ruby-sinatra-of-the-machine',
    files: { 'app.rb': "require 'sinatra'\n\nget '/' do\n  'sinatra answers'\nend\n" },
    expect: [{ runtime: 'ruby', start: 'ruby app.rb -o $HOST -p $PORT -e production', needs: ['ruby (ruby)'] }],
    visits: { 'ruby-sinatra-of-the-machine': { path: '/', sees: /^sinatra answers$/ } },
  },
  {
    name: 'ruby-script',
    files: { 'server.rb': rubyServer },
    expect: [{ runtime: 'ruby', start: 'ruby server.rb', needs: ['ruby (ruby)'] }],
    visits: { 'ruby-script': { path: '/r', sees: /^permata at \/r$/ } },
  },
  {
    name: 'ruby-gem',
    files: { Gemfile: 'source "https://rubygems.org"\ngemspec\n', 'lib/words.rb': '', 'words.gemspec': '' },
    expect: { code: 'nothing_to_deploy', words: [/^Gemfile was found, but it does not say how to start/] },
  },
];
