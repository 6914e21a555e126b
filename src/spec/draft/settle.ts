import { isMap, isPair, isSeq, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { KapalError } from '../../model/errors.ts';
import { type Declared, examineDeclared } from '../declared/declared.ts';
import type { DeclarationFiles } from '../files.ts';
import type { Finding } from '../report.ts';
import { type Note, noteLine, type Notes, type Origin } from './note.ts';
import { keepAtTop } from './top.ts';
import type { Written } from './written.ts';

export interface Settled {
  /** The text of a kapal.yaml that the reader takes. */
  readonly declaration: string;
  readonly notes: readonly Note[];
  /** What the reader makes of it. */
  readonly declared: Omit<Declared, 'warnings'>;
}

export interface Settling {
  readonly written: Written;
  readonly notes: Notes;
  readonly files: DeclarationFiles;
  /** The file that is converted: where nothing else is known, a note points at it. */
  readonly file: string;
}

/** Without these a service is another one, or none. */
const essential = new Set([
  'type',
  'name',
  'runtime',
  'env',
  'startCommand',
  'schedule',
  'rootDir',
  'staticPublishPath',
  'upstreams',
]);

/** Without these more people would get in: the service goes, and not what guards it. */
const guards = new Set(['ipAllowList', 'maintenanceMode', 'edge.allow', 'edge.deny', 'edge.basicAuth']);

/** Every round takes something away, so a declaration of any size ends before this. */
const ROUNDS = 2000;

/**
 * Lets the reader itself judge what was written. A field that it refuses is taken out, and noted as refused in the reader's own words; a variable is
 * left to `kapal env set`; where the field is what makes the service, the service goes. So nothing here has to know what the reader takes. Throws
 * `declaration_invalid` when nothing is left, with everything that was refused.
 */
export function settle(input: Settling): Settled {
  const { written, notes } = input;
  keepAtTop(written.document, input.files);
  for (let round = 0; round < ROUNDS; round += 1) {
    const text = written.document.toString({ lineWidth: 0 });
    const { report, declared } = examineDeclared({
      file: 'kapal.yaml',
      text,
      files: input.files,
      deployed: { url: null, branch: null },
    });
    const [problem] = report.problems;
    if (problem === undefined && declared !== null) {
      const ignored = report.remarks.find((remark) => remark.ignored === true);
      if (ignored !== undefined && remove(ignored, input)) continue;
      for (const remark of report.remarks) notes.warn(originAt(remark, input), remark.message);
      return { declaration: text, notes: carriedToo(input), declared };
    }
    if (problem === undefined || !takeOut(problem, input)) throw unsound(report.problems, input);
  }
  throw new Error('a declaration did not settle');
}

/** Takes out what a problem is about. False: nothing of it can go. */
function takeOut(problem: Finding, input: Settling): boolean {
  const path = segments(problem.place.path);
  // Render's `ungrouped` holds the same again.
  const base = path[0] === 'ungrouped' ? 1 : 0;
  const [top, index, field, ...rest] = path.slice(base);
  const upTo = (count: number): readonly Segment[] => path.slice(0, base + count);
  const about = { problem, input };
  if (top === undefined || (index === undefined && top === 'services')) return false;
  if (typeof index !== 'number') return removeAt(upTo(1), about);
  if (field === 'envVars' && typeof rest[0] === 'number') return settleVariable(upTo(4), about);
  if (top !== 'services' || field === undefined) return removeAt(upTo(2), about);
  // A page of one's own is no guard.
  const guarded = path.at(-1) !== 'uri' && (guards.has(String(field)) || guards.has(`${field}.${rest[0]}`));
  const unknown = find(input.written, upTo(3)) === null;
  if (essential.has(String(field)) || guarded || unknown) return removeAt(upTo(2), about);
  // Of a list only the item goes, and of the edge only the policy.
  const inner = typeof rest[0] === 'number' || field === 'edge' || field === 'maintenanceMode' ? 4 : 3;
  const deep = inner === 4 && typeof rest[1] === 'number' ? 5 : inner;
  return removeAt(upTo(deep), about) || removeAt(upTo(3), about);
}

interface About {
  readonly problem: Finding;
  readonly input: Settling;
}

function removeAt(path: readonly Segment[], { problem, input }: About): boolean {
  const found = find(input.written, path);
  if (found === null) return false;
  input.notes.refuse(
    originAt(problem, input),
    found.wholeService ? `${problem.message}; the service is left out` : problem.message,
  );
  found.remove();
  return true;
}

/** What the reader reads past is left out, so that no deploy warns of it again. */
function remove(remark: Finding, input: Settling): boolean {
  const found = find(input.written, segments(remark.place.path));
  if (found === null) return false;
  input.notes.warn(originAt(remark, input), `is left out: ${remark.message.replace(/^is ignored: /, '')}`);
  found.remove();
  return true;
}

/** A variable whose value cannot come from where it says is asked for, as Render's `sync: false`. */
function settleVariable(path: readonly Segment[], about: About): boolean {
  const found = find(about.input.written, path);
  if (found === null) return false;
  const { part } = found;
  const key = isMap(part) ? part.get('key') : undefined;
  const asked = isMap(part) && part.items.length === 2 && part.get('sync') === false;
  if (!isMap(part) || typeof key !== 'string' || asked) return removeAt(path, about);
  about.input.notes.refuse(
    originAt(about.problem, about.input),
    `${about.problem.message}; ${key} is written as sync: false, and kapal env set gives its value`,
  );
  part.items = part.items.filter((pair) => isPair(pair) && keyOf(pair) === 'key');
  part.set('sync', false);
  return true;
}

function unsound(problems: readonly Finding[], input: Settling): KapalError {
  const reasons = input.notes.all().filter(({ kind }) => kind === 'refused');
  const lines = [
    ...reasons.map(noteLine),
    ...(reasons.length > 0 ? [] : problems).map(
      ({ place, message }) => `${input.file}: ${place.path === '' ? '' : `${place.path}: `}${message}`,
    ),
  ];
  return new KapalError('declaration_invalid', lines.slice(0, 40).join('\n'), {
    hint: 'Nothing is left that this version of Kapal runs. docs/guides/kapal-yaml.md lists every field and what it takes.',
  });
}

/** Whatever came from somewhere and is still there was carried. */
function carriedToo({ written, notes }: Settling): readonly Note[] {
  const told = new Set(notes.all().map(({ field, file }) => `${file}\n${field}`));
  const refused = new Set(
    notes.all().flatMap(({ kind, field, file }) => (kind === 'refused' ? [`${file}\n${field}`] : [])),
  );
  const visit = (node: unknown, path: string): void => {
    if (isSeq(node)) for (const [index, item] of node.items.entries()) visitItem(item, `${path}[${index}]`);
    if (isMap(node)) for (const pair of node.items) visitPair(pair, path);
  };
  const visitItem = (item: unknown, path: string): void => {
    const origin = /^(?:services|envVarGroups)\[\d+\]\.envVars\[\d+\]$/.test(path) ? written.originOf(item) : undefined;
    if (origin !== undefined) carry(origin, 'a variable');
    visit(item, path);
  };
  const visitPair = (pair: Pair, path: string): void => {
    const below = path === '' ? keyOf(pair) : `${path}.${keyOf(pair)}`;
    const depth = segments(below).length;
    const origin = depth === 3 || below === 'project' ? written.originOf(pair) : undefined;
    if (origin !== undefined && !/\.(?:type|name|envVars)$/.test(below)) carry(origin, keyOf(pair));
    visit(pair.value, below);
  };
  const carry = (origin: Origin, field: string): void => {
    const lost = [...refused].some((one) => one.startsWith(`${origin.file}\n${origin.field}.`));
    if (!told.has(`${origin.file}\n${origin.field}`) && !lost) notes.carry(origin, `becomes ${field}`);
  };
  visit(written.document.contents, '');
  for (const origin of notes.unsaid()) notes.carry(origin, 'is what Kapal does, or part of what is written');
  return notes.all();
}

type Segment = string | number;

/** `services[0].envVars[1].key` as its parts; a difficult name stands in quotes. */
function segments(path: string): readonly Segment[] {
  const parts = path.matchAll(/\[(\d+)\]|("(?:[^"\\]|\\.)*")|([^.[\]"]+)/g);
  return [...parts].map(([, index, quoted, name = '']) => {
    if (index !== undefined) return Number(index);
    return quoted === undefined ? name : String(JSON.parse(quoted));
  });
}

interface Place {
  readonly part: unknown;
  readonly wholeService: boolean;
  remove(): void;
}

/** What stands at a path of the document, and how to take it out. */
function find({ document }: Written, path: readonly Segment[]): Place | null {
  let container: YAMLMap | YAMLSeq | null = null;
  let at = -1;
  let node: unknown = document.contents;
  let part: unknown = node;
  for (const segment of path) {
    if (isMap(node)) at = node.items.findIndex((pair) => keyOf(pair) === segment);
    else if (isSeq(node) && typeof segment === 'number') at = segment < node.items.length ? segment : -1;
    else at = -1;
    if (at === -1 || !(isMap(node) || isSeq(node))) return null;
    container = node;
    const item: unknown = node.items[at];
    part = item;
    node = isPair(item) ? item.value : item;
  }
  if (container === null) return null;
  const holder = container;
  return {
    part,
    wholeService: path.at(-2) === 'services' && typeof path.at(-1) === 'number',
    remove: () => void holder.items.splice(at, 1),
  };
}

function keyOf(pair: Pair): string {
  const { key } = pair;
  if (typeof key === 'string') return key;
  return typeof key === 'object' && key !== null && 'value' in key ? String(key.value) : '';
}

/** Where the nearest part that came from somewhere stands in the file that is converted. */
function originAt(finding: Finding, { written, file }: Settling): Origin {
  const path = segments(finding.place.path);
  for (let length = path.length; length > 0; length -= 1) {
    const origin = written.originOf(find(written, path.slice(0, length))?.part);
    if (origin !== undefined) return origin;
  }
  return { file, field: finding.place.path, line: 1, column: 1 };
}
