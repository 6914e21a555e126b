import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type Pair,
  type YAMLMap,
} from 'yaml';
import type { Report } from '../report.ts';
import type { Entry, Spot, Value } from './value.ts';

/** Values after aliases are followed: far above any declaration, far below what a few lines of nested aliases can ask for. */
const LARGEST_TREE = 20_000;
const DEEPEST = 40;

/**
 * Reads YAML 1.2 (with merge keys) into plain values with positions. What is wrong with the text goes to the report; then the answer is
 * `null`, as it is for a text that holds nothing.
 */
export function parseYaml(text: string, report: Report): Value | null {
  const lines = new LineCounter();
  const document = parsed(text, lines, report);
  if (document === null || document.contents === null) return null;
  const tree = new Tree(document, lines);
  try {
    return tree.value(document.contents);
  } catch (error) {
    if (!(error instanceof Misformed)) throw error;
    report.refuse({ ...error.spot, path: '' }, error.message);
    return null;
  }
}

/** The place of the first fault of a text that is no JSON, which is a part of YAML; the beginning where none is found. */
export function jsonFaultAt(text: string): Spot {
  const lines = new LineCounter();
  try {
    const { errors } = parseDocument(text, {
      schema: 'json',
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
    });
    return spotAt(lines, errors[0]?.pos[0] ?? 0);
  } catch {
    return { line: 1, column: 1 };
  }
}

function parsed(text: string, lines: LineCounter, report: Report): Document.Parsed | null {
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      stringKeys: true,
      resolveKnownTags: false,
      logLevel: 'error',
    });
  } catch (error) {
    // Seen with some 10,000 opening brackets: the parser is recursive, and says so by a RangeError.
    report.refuse(
      { line: 1, column: 1, path: '' },
      `is not YAML that can be read: ${error instanceof RangeError ? 'it is nested too deeply' : String(error)}`,
    );
    return null;
  }
  const faults = [...document.errors, ...document.warnings];
  for (const fault of faults)
    report.refuse({ ...spotAt(lines, fault.pos[0]), path: '' }, sentence(fault.code, fault.message));
  return faults.length === 0 ? document : null;
}

function sentence(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this field stands here twice';
  if (code === 'MULTIPLE_DOCS') return 'a declaration is one document: remove the line with ---';
  return `is not valid YAML: ${message.replace(/\s+/g, ' ').slice(0, 200)}`;
}

function spotAt(lines: LineCounter, offset: number): Spot {
  const { line, col } = lines.linePos(offset);
  return line === 0 ? { line: 1, column: 1 } : { line, column: col };
}

class Misformed extends Error {
  readonly spot: Spot;

  constructor(spot: Spot, message: string) {
    super(message);
    this.spot = spot;
  }
}

/** Turns the parser's nodes into values, following aliases with a budget. */
class Tree {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #open = new Set<Node>();
  #count = 0;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  value(node: Node | null, outer: Spot = { line: 1, column: 1 }): Value {
    const at = node === null ? outer : this.#spot(node, outer);
    this.#count += 1;
    if (this.#count > LARGEST_TREE) throw new Misformed(at, `its aliases make more than ${LARGEST_TREE} values of it`);
    if (node === null) return { kind: 'scalar', value: null, source: '', at };
    if (isAlias(node)) return this.#alias(node, at);
    if (isScalar(node)) return scalar(node.value, node.source, at);
    return this.#inside(node, at, () => this.#collection(node, at));
  }

  #collection(node: Node, at: Spot): Value {
    if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => this.value(asNode(item), at)), at };
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node, at), at };
    throw new Misformed(at, 'is of a kind that a declaration cannot hold');
  }

  /** Guards against a collection that holds itself by an alias, and against depth. */
  #inside<T>(node: Node, at: Spot, work: () => T): T {
    if (this.#open.has(node)) throw new Misformed(at, 'an alias here holds itself');
    if (this.#open.size >= DEEPEST) throw new Misformed(at, `is nested more than ${DEEPEST} levels deep`);
    this.#open.add(node);
    const result = work();
    this.#open.delete(node);
    return result;
  }

  #alias(node: Node, at: Spot): Value {
    const target = isAlias(node) ? node.resolve(this.#document) : undefined;
    if (target === undefined)
      throw new Misformed(at, `the alias *${isAlias(node) ? node.source.slice(0, 60) : ''} names no anchor above it`);
    return this.value(target, at);
  }

  /** A map's own keys win over merged ones, and an earlier merge over a later (https://yaml.org/type/merge.html). */
  #entries(map: YAMLMap, at: Spot): Entry[] {
    const own: Entry[] = [];
    const merged: Entry[] = [];
    for (const pair of map.items) {
      const keyAt = this.#keySpot(pair, at);
      if (isMergeKey(pair.key)) merged.push(...this.#merged(asNode(pair.value), keyAt));
      else own.push({ key: keyText(pair.key), keyAt, value: this.value(asNode(pair.value), keyAt) });
    }
    const known = new Set(own.map((entry) => entry.key));
    for (const entry of merged) {
      if (known.has(entry.key)) continue;
      known.add(entry.key);
      own.push(entry);
    }
    return own;
  }

  #merged(node: Node | null, at: Spot): readonly Entry[] {
    const value = this.value(node, at);
    const maps = value.kind === 'list' ? value.items : [value];
    return maps.flatMap((one) => {
      if (one.kind !== 'map') throw new Misformed(at, '<< takes an alias of a mapping, or a list of such aliases');
      return one.entries;
    });
  }

  #keySpot(pair: Pair, outer: Spot): Spot {
    const key = asNode(pair.key);
    return key === null ? outer : this.#spot(key, outer);
  }

  #spot(node: Node, outer: Spot): Spot {
    const start = node.range?.[0];
    return start === undefined ? outer : spotAt(this.#lines, start);
  }
}

/** Dates and binaries exist under `%YAML 1.1` only: they stay the text that was written. */
function scalar(value: unknown, source: string | undefined, at: Spot): Value {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return { kind: 'scalar', value, source: source ?? String(value ?? ''), at };
  }
  return { kind: 'scalar', value: source ?? '', source: source ?? '', at };
}

function asNode(value: unknown): Node | null {
  return isScalar(value) || isAlias(value) || isMap(value) || isSeq(value) ? value : null;
}

function keyText(key: unknown): string {
  if (isScalar(key)) return typeof key.value === 'string' ? key.value : (key.source ?? '');
  return '';
}

/** Only the plain `<<`; a quoted one is a name. The parser gives it as a symbol or as text, depending on the version directive. */
function isMergeKey(key: unknown): boolean {
  if (!isScalar(key) || (key.type !== undefined && key.type !== 'PLAIN')) return false;
  return key.value === '<<' || (typeof key.value === 'symbol' && key.value.description === '<<');
}
