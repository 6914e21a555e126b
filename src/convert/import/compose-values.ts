import { commandLine } from '../../model/shell.ts';
import type { Value } from '../../spec/yaml/value.ts';
import { scalarOf } from '../../spec/draft/reading.ts';

/** A text of Compose after its interpolation (Compose Specification, "Interpolation"): `$$` is a dollar, `${NAME:-default}` has a default. */
export interface Interpolated {
  /** With defaults put in; what has none stays away. */
  readonly text: string;
  /** Variables without a default, in order. */
  readonly open: readonly string[];
}

const piece = /\$(?:\$|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\}|([A-Za-z_]\w*))/g;

export function interpolate(written: string): Interpolated {
  const open: string[] = [];
  let text = '';
  let after = 0;
  for (const match of written.matchAll(piece)) {
    const [whole, braced, operator = '', more = '', bare] = match;
    text += written.slice(after, match.index);
    after = match.index + whole.length;
    if (whole === '$$') text += '$';
    else if (operator.endsWith('-')) text += more;
    else open.push(braced ?? bare ?? '');
  }
  return { text: text + written.slice(after), open };
}

/** `command` or `entrypoint`: a list is words, a text is split as a shell would, which then does. `["sh", "-c", TEXT]` is TEXT. `null`: neither. */
export function commandOf(value: Value): string | null {
  if (value.kind === 'scalar') {
    const text = scalarOf(value);
    return text === null ? null : interpolate(text).text.trim();
  }
  if (value.kind !== 'list') return null;
  const words: string[] = [];
  for (const item of value.items) {
    const word = scalarOf(item);
    if (word === null) return null;
    words.push(interpolate(word).text);
  }
  const [shell, flag, text, ...rest] = words;
  if (/^(?:\/bin\/)?(?:ba|da)?sh$/.test(shell ?? '') && flag === '-c' && text !== undefined && rest.length === 0)
    return text;
  return commandLine(words);
}

/** Whole seconds of `90s`, `1m30s`, `500ms` (Compose Specification, "Durations"), rounded up; `null` where it is none. */
export function secondsOf(value: Value): number | null {
  const text = scalarOf(value);
  if (text === null || !/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/.test(text)) return null;
  let seconds = 0;
  for (const [, count = '0', unit = 's'] of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g))
    seconds += Number(count) * (units[unit] ?? 0);
  return Math.max(1, Math.ceil(seconds));
}

const units: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** A size of Compose (`512m`, `1gb`, bytes) as kapal.yaml writes it; `null` where it is none. */
export function sizeOf(value: Value): string | null {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmg]?)b?$/i.exec(scalarOf(value)?.trim() ?? '');
  if (match === null) return null;
  const [, count = '0', unit = ''] = match;
  const bytes =
    Number(count) *
    { b: 1, '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase() as '' | 'b' | 'k' | 'm' | 'g'];
  return `${Math.ceil(bytes / 1024 ** 2)}MB`;
}

/** The path that a check asks of this machine: `curl -f http://localhost:3000/healthz || exit 1`; `null` where it does something else. */
export function checkedPath(command: string): string | null {
  const match = /https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0)(?::[\w${}:?-]+)?(\/[^\s"'|;&)]*)?/.exec(
    command,
  );
  if (match === null) return null;
  return match[1] ?? '/';
}

/** Names of the variables of an env file: `NAME=value`, `export NAME=value`; comments and empty lines are none. */
export function namesIn(text: string): readonly string[] {
  return text.split(/\r?\n/).flatMap((line) => /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=/.exec(line)?.[1] ?? []);
}
