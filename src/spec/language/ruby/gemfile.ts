import type { SourceFolder } from '../source-folder.ts';

/** What a Gemfile and its lock say of a server; the Gemfile is a program, and only its plain lines are read. */
export interface Bundle {
  /** From the folder that was looked at. */
  readonly file: string;
  /** Gems outside of the groups for development and tests, with what they bring along where there is a lock. */
  readonly gems: ReadonlySet<string>;
  /** Locked versions by name. */
  readonly versions: ReadonlyMap<string, string>;
  readonly isLocked: boolean;
  /** The lock has gems for plain Ruby, or for this kind of machine. */
  readonly suitsLinux: boolean;
  /** Locked gems that come compiled, so that no compiler is needed for them. */
  readonly compiled: ReadonlySet<string>;
  /** Gems of its own folders, whose content an install depends on. */
  readonly hasOwnGems: boolean;
  /** `ruby "3.2.2"`: the constraints as they are written; empty where it asks for none. */
  readonly ruby: readonly string[];
  /** `ruby file: ".ruby-version"`. */
  readonly rubyFile: string | null;
}

/** Null without a Gemfile (or gems.rb, its other name). */
export function readBundle(folder: SourceFolder): Bundle | null {
  const file = folder.firstOf(['Gemfile', 'gems.rb']);
  const text = file === null ? null : folder.read(file);
  if (file === null || text === null) return null;
  const lock = folder.read(file === 'Gemfile' ? 'Gemfile.lock' : 'gems.locked');
  const locked = lock === null ? null : readLock(lock);
  const named = gemsOf(text);
  const gems = locked === null ? named : new Set([...named, ...broughtBy(named, locked)]);
  const ruby = /^\s*ruby\s*\(?\s*(.+)$/m.exec(text)?.[1] ?? '';
  return {
    file,
    gems,
    versions: new Map(locked?.specs.map(({ name, version }) => [name, version])),
    isLocked: locked !== null,
    suitsLinux: locked === null || locked.platforms.length === 0 || locked.platforms.some(isLinux),
    compiled: new Set(locked?.specs.filter(({ platform }) => /linux/.test(platform)).map(({ name }) => name)),
    hasOwnGems: /^\s*gemspec\b|\bpath:|:path\s*=>|^\s*path\s/m.test(text),
    ruby: [...ruby.replace(/\bengine\b.*/, '').matchAll(/["']([^"']+)["']/g)]
      .map(([, one = '']) => one)
      .filter((one) => /^[~<>=\s]*\d/.test(one)),
    rubyFile: /\bfile:\s*["']([\w.-]+)["']/.exec(ruby)?.[1] ?? null,
  };
}

const besides = /\b(?:development|test)\b/;
const served = /\b(?:production|default|assets)\b/;

/** Names in `gem "NAME"`, without those of groups that servers leave out. Blocks are followed by their `do` and `end`. */
function gemsOf(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  const blocks: boolean[] = [];
  for (const line of text.split(/\r?\n/)) {
    const code = line.replace(/(?:^|\s)#.*/, '').trim();
    const name = /^gem\s*\(?\s*["']([\w.-]+)["']/.exec(code)?.[1];
    const inline = /\bgroups?:?\s*(?:=>|:)?\s*(.*)$/.exec(code)?.[1] ?? '';
    if (name !== undefined && !blocks.includes(true) && !isAside(inline)) names.add(name);
    if (/\bdo\s*(?:\|[^|]*\|)?$/.test(code) || /^(?:if|unless|case)\b/.test(code))
      blocks.push(/^group\b/.test(code) && isAside(code));
    else if (/^end\b/.test(code)) blocks.pop();
  }
  return names;
}

function isAside(groups: string): boolean {
  return besides.test(groups) && !served.test(groups);
}

interface Locked {
  readonly specs: readonly {
    readonly name: string;
    readonly version: string;
    readonly platform: string;
    readonly needs: readonly string[];
  }[];
  readonly platforms: readonly string[];
}

/** Gemfile.lock: a gem stands four spaces in, what it needs six. */
function readLock(text: string): Locked {
  const specs: { name: string; version: string; platform: string; needs: string[] }[] = [];
  const platforms: string[] = [];
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^[A-Z]/.test(line)) section = line.trim();
    const gem = /^ {4}([\w.-]+) \(([^-)]+)(?:-([^)]+))?\)/.exec(line);
    const need = /^ {6}([\w.-]+)/.exec(line)?.[1];
    if (section === 'PLATFORMS' && line.trim() !== '' && line.trim() !== section) platforms.push(line.trim());
    else if (gem !== null) specs.push({ name: gem[1] ?? '', version: gem[2] ?? '', platform: gem[3] ?? '', needs: [] });
    else if (need !== undefined) specs.at(-1)?.needs.push(need);
  }
  return { specs, platforms };
}

function broughtBy(named: ReadonlySet<string>, { specs }: Locked): ReadonlySet<string> {
  const needs = new Map<string, readonly string[]>();
  for (const spec of specs) needs.set(spec.name, [...(needs.get(spec.name) ?? []), ...spec.needs]);
  const found = new Set(named);
  for (const name of found) for (const need of needs.get(name) ?? []) found.add(need);
  return found;
}

function isLinux(platform: string): boolean {
  return platform === 'ruby' || /linux/.test(platform);
}
