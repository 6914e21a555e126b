import { shellWord } from '../../model/shell.ts';
import { type ReadingApp, textOf } from './pm2-shape.ts';

type Fields = ReadonlyMap<string, { readonly value: unknown }>;

/** Which program runs a script, by the end of its name, as PM2 has it. */
const interpreters: Readonly<Record<string, string>> = {
  js: 'node',
  cjs: 'node',
  mjs: 'node',
  ts: 'node',
  mts: 'node',
  sh: 'bash',
  py: 'python3',
  rb: 'ruby',
  php: 'php',
  pl: 'perl',
  coffee: 'coffee',
};

/** `node --flag server.js --port 1`: what PM2 would run, as a command line. `null` where there is no script. */
export function startCommandOf(fields: Fields, reading: ReadingApp): string | null {
  const text = (name: string): string | null => {
    const value = fields.get(name)?.value;
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  };
  const written = text('script');
  if (written === null) return null;
  const script = inside(written, reading);
  const rest = words(fields.get('args')?.value);
  const flags = words(fields.get('node_args')?.value ?? fields.get('interpreter_args')?.value);
  // A whole command line: `npm start`, `node server.js`.
  if (/\s/.test(script) && !/\.\w+$/.test(script.split(/\s/)[0] ?? '')) return joined([script, rest]);
  const ending = /\.(\w+)$/.exec(script)?.[1] ?? '';
  const asked = text('interpreter');
  const program =
    asked === 'none' ? null : (asked ?? (Object.hasOwn(interpreters, ending) ? interpreters[ending] : null));
  // Without an ending it is a program: by its name where it has no folder, as PM2 looks it up.
  if (program === null || program === undefined) return joined([shellWord(script), flags, rest]);
  return joined([shellWord(program), flags, shellWord(script), rest]);
}

/** Arguments as PM2 takes them: a list of words, or a text that is split at blanks. */
function words(value: unknown): string {
  if (typeof value === 'string') return value.trim();
  return Array.isArray(value) ? value.map((word) => shellWord(textOf(word))).join(' ') : '';
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

/** A path below the folder of the app as one from there, because the app runs elsewhere here. */
export function inside(path: string, { folder }: { readonly folder: string }): string {
  return path === folder ? '.' : path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}
