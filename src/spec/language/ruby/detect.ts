import type { Evidence } from '../language.ts';
import type { SourceFolder } from '../source-folder.ts';

const scripts = ['app.rb', 'server.rb', 'main.rb', 'web.rb', 'application.rb', 'api.rb'];

const listening = /\b(?:TCPServer|WEBrick::HTTPServer|Rack::Server|Rack::Handler|Rackup::\w+|Puma::Server)\b/;
const sinatra = /^\s*require\s*\(?\s*["']sinatra["']/m;

/** By the Gemfile or config.ru; else by a script that answers requests. */
export function detectRuby(folder: SourceFolder): Evidence | null {
  const file = folder.firstOf(['Gemfile', 'gems.rb', 'config.ru']);
  if (file !== null) return { file: folder.nameOf(file), why: 'it is there' };
  const script = serverScript(folder);
  return script === null ? null : { file: folder.nameOf(script.file), why: 'a server file' };
}

/** A program of one file that listens: Sinatra's classic style, which serves itself, or one that opens its port. */
export function serverScript(
  folder: SourceFolder,
): { readonly file: string; readonly kind: 'sinatra' | 'plain'; readonly text: string } | null {
  const others = folder.list().filter((name) => name.endsWith('.rb'));
  const found = [...scripts, ...others].map((file) => ({ file, text: folder.read(file) ?? '' }));
  const classic = found.find(({ text }) => sinatra.test(text));
  if (classic !== undefined) return { ...classic, kind: 'sinatra' };
  const plain = found.find(({ file, text }) => scripts.includes(file) && listening.test(text));
  return plain === undefined ? null : { ...plain, kind: 'plain' };
}
