import type { ErrorCode } from '../../src/model/errors.ts';
import type { ServiceSpec } from '../../src/spec/spec.ts';
import type { Tree } from '../unit/spec/source.ts';

/** A small project of a shape that people have, and what Kapal makes of it without being told. */
export interface CorpusProject {
  /** Also its name as a project: lower-case letters, digits, dashes. */
  readonly name: string;
  readonly files: Tree;
  readonly expect: readonly ExpectedService[] | ExpectedRefusal;
  /** Really built and started where it is there: what a visitor of each address sees, by service. */
  readonly visits?: Readonly<Record<string, { readonly path: string; readonly sees: RegExp }>>;
}

/** What is left out: the service is called as the project, a `web` in `.`, and nothing of the rest is there. */
export interface ExpectedService {
  readonly name?: string;
  readonly type?: ServiceSpec['type'];
  readonly runtime: ServiceSpec['runtime'];
  readonly rootDir?: string;
  /** A text is the whole command. */
  readonly install?: readonly (string | RegExp)[];
  readonly build?: readonly (string | RegExp)[];
  readonly preDeploy?: string;
  readonly start?: string;
  readonly publishPath?: string;
  /** As `kapal detect` says them. */
  readonly needs?: readonly string[];
}

export interface ExpectedRefusal {
  readonly code: ErrorCode;
  /** In message and hint. */
  readonly words: readonly RegExp[];
}

export function isRefusal(expect: CorpusProject['expect']): expect is ExpectedRefusal {
  return 'code' in expect;
}

/** A package.json. */
export const manifest = (content: object): string => `${JSON.stringify(content, null, 2)}\n`;
