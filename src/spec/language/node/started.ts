/** A program that a command line starts. */
export interface Started {
  /** As it is written: `node`, `next`, `./run.sh`. */
  readonly program: string;
  readonly args: readonly string[];
}

type Scripts = ReadonlyMap<string, string>;

/** What runs another program, with variables before it or `--` between. */
const wrappers = ['cross-env', 'dotenv'];

/** Words that stand before a program and change nothing of which it is. */
const prefixes = ['exec', 'env', 'command', 'nohup'];

/**
 * The programs that a command line starts, with scripts of package.json in place of `npm run NAME`, the scripts that npm runs before and after included.
 * Null where only a shell can tell: what is in `$(...)` or backticks, groups, quotes that stay open, a script that is not there.
 */
export function startedBy(command: string, scripts: Scripts): readonly Started[] | null {
  return ofText(command, { scripts, around: [] });
}

interface Context {
  readonly scripts: Scripts;
  /** The scripts that lead here: one that calls itself has no end. */
  readonly around: readonly string[];
}

function ofText(text: string, context: Context): readonly Started[] | null {
  const found = simpleCommands(text)?.map((words) => ofWords(words, context));
  return found === undefined || found.includes(null) ? null : found.flatMap((one) => one ?? []);
}

/** Simple commands (POSIX.1-2017, XCU 2.9.1) between `&&`, `||`, `|`, `;`, `&` and line ends, without redirections and comments. */
function simpleCommands(text: string): readonly (readonly string[])[] | null {
  const plain = text
    .replace(/(^|\s)#[^\n]*/g, '$1')
    .replace(/(^|\s)\d*(?:>>?|<)(?:&\d+|[^\S\n]*[^\s;|&]+)/g, '$1')
    .replace(/\$\{\w+(?::?-[\w./]*)?\}/g, '$VALUE');
  if (/[`\\(){}]/.test(plain)) return null;
  const commands: string[][] = [[]];
  for (const [, operator, word] of plain.matchAll(/(&&|\|\||[;&|\n])|((?:"[^"]*"|'[^']*'|[^\s"';&|])+)|\S/g)) {
    if (operator !== undefined) commands.push([]);
    else if (word !== undefined) commands.at(-1)?.push(word.replaceAll(/["']/g, ''));
    else return null;
  }
  return commands.filter((words) => words.length > 0);
}

function ofWords(words: readonly string[], context: Context): readonly Started[] | null {
  const [first, ...rest] = words;
  if (first === undefined) return [];
  const options = /^NODE_OPTIONS=(.*)$/.exec(first)?.[1];
  if (options !== undefined) return joined([{ program: 'node', args: options.split(/\s+/) }], ofWords(rest, context));
  if (prefixes.includes(first) || /^[A-Za-z_]\w*=/.test(first)) return ofWords(rest, context);
  if (wrappers.includes(first)) {
    const border = rest.indexOf('--');
    return joined([{ program: first, args: rest }], ofWords(border === -1 ? rest : rest.slice(border + 1), context));
  }
  switch (first) {
    case 'npm':
    case 'pnpm':
    case 'yarn':
      return ofManager(first, rest, context);
    case 'npx':
      return ofWords(withoutFlags(rest), context);
    default:
      return [{ program: first, args: rest }];
  }
}

function joined(one: readonly Started[], other: readonly Started[] | null): readonly Started[] | null {
  return other === null ? null : [...one, ...other];
}

/** Flags of a package manager before its word; one with a value of its own is not to be told from a word. */
function withoutFlags(words: readonly string[]): readonly string[] {
  const start = words.findIndex((word) => !/^(?:--|-s|-y|--yes|--silent|--no-install|--if-present)$/.test(word));
  return start === -1 ? [] : words.slice(start);
}

function ofManager(
  manager: 'npm' | 'pnpm' | 'yarn',
  words: readonly string[],
  context: Context,
): readonly Started[] | null {
  const [word, ...rest] = withoutFlags(words);
  if (word === undefined || word.startsWith('-')) return null;
  if (word === 'run' || word === 'run-script') {
    const [name] = withoutFlags(rest);
    return name === undefined ? null : ofScript(name, context);
  }
  if (word === 'start' || word === 'test' || word === 'stop' || word === 'restart') return ofScript(word, context);
  if (word === 'exec') return ofWords(withoutFlags(rest), context);
  if (manager === 'npm') return null;
  // pnpm and yarn run a script, or a program of a package, by its bare name.
  return context.scripts.has(word) ? ofScript(word, context) : ofWords([word, ...rest], context);
}

function ofScript(name: string, { scripts, around }: Context): readonly Started[] | null {
  const text = scripts.get(name);
  if (text === undefined || around.includes(name)) return null;
  const texts = [scripts.get(`pre${name}`), text, scripts.get(`post${name}`)].filter((one) => one !== undefined);
  const found = texts.map((one) => ofText(one, { scripts, around: [...around, name] }));
  return found.includes(null) ? null : found.flatMap((one) => one ?? []);
}
