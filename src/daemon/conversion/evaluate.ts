import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { exec, type ExecResult } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';
import type { DeclarationFiles } from '../../spec/files.ts';
import { evaluation } from './evaluated-text.ts';
import { takeSnapshot } from './snapshot.ts';

export interface Evaluating {
  readonly files: DeclarationFiles;
  /** As it is named in the folder. */
  readonly file: string;
  /** Absolute: what the program believes to lie in. */
  readonly folder: string;
  readonly root: boolean;
  /** Milliseconds. */
  readonly timeout?: number;
}

const TIMEOUT = 10_000;
const LARGEST_ANSWER = 1024 * 1024;
/** Of V8's heap in MiB, and of all memory that is its own in KiB (setrlimit(2), RLIMIT_DATA): Node itself takes some 300 MiB of it. */
const HEAP = 128;
const DATA = 1024 * 1024;
/** nobody, as Debian and most others have it. */
const NOBODY = 65_534;
/** A configuration that needs more packages than this is no configuration. */
const PACKAGES = 50;

/** Limits that Node's own flags do not hold: buffers lie outside of V8's heap, and no core is dumped. The environment is empty, the shell's own included. */
const LIMITED = 'ulimit -d "$1" && ulimit -c 0 && shift && unset PWD OLDPWD && exec "$@"';

interface Answer {
  readonly value?: unknown;
  readonly failed?: string;
  readonly code?: string;
  readonly permission?: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * What a configuration that is a program exports. It is run apart: in a process of its own under Node's permission model, which lets it read a copy of
 * the folder's scripts and nothing else, with an empty environment, bounded in time, memory and output, and as nobody where this is root. Throws
 * `declaration_invalid` with file, line and column for one that fails, or wants more than that.
 */
export async function evaluate(input: Evaluating): Promise<unknown> {
  const owner = input.root ? NOBODY : null;
  await using snapshot = await takeSnapshot(input.files, owner);
  for (let packages = 0; ; packages += 1) {
    const answer = await run(input, { folder: snapshot.folder, owner });
    if (answer.failed === undefined) return placed(answer.value, { from: snapshot.folder, to: input.folder });
    const missing = packages < PACKAGES ? missingPackage(answer) : null;
    if (missing === null || !(await snapshot.add(missing))) throw failed(answer, { input, folder: snapshot.folder });
  }
}

async function run(input: Evaluating, where: { folder: string; owner: number | null }): Promise<Answer> {
  const mark = randomBytes(16).toString('hex');
  const path = join(where.folder, input.file);
  const node = [
    '--permission',
    `--allow-fs-read=${where.folder}/`,
    `--max-old-space-size=${HEAP}`,
    '--no-warnings',
    '-e',
    evaluation,
    '--',
    path,
    where.owner === null ? '' : String(where.owner),
    mark,
  ];
  const result = await exec('/bin/sh', ['-c', LIMITED, 'sh', String(DATA), process.execPath, ...node], {
    env: {},
    cwd: '/',
    input: input.files.read(input.file) ?? '',
    timeout: input.timeout ?? TIMEOUT,
    maxBytes: LARGEST_ANSWER,
  });
  return answerOf(result, mark, input);
}

function answerOf(result: ExecResult, mark: string, { file, timeout = TIMEOUT }: Evaluating): Answer {
  const at = result.stdout.lastIndexOf(`\n${mark}`);
  const [json = ''] = at === -1 ? [] : result.stdout.slice(at + mark.length + 1).split('\n');
  if (json !== '' && result.ok) {
    try {
      // It is our own text that wrote it, and the configuration is free to be any value.
      return JSON.parse(json) as Answer;
    } catch {
      // Cut off: said below.
    }
  }
  if (result.timedOut) throw refusal(file, `did not end within ${timeout / 1000} s`);
  if (result.truncated) throw refusal(file, 'prints, or exports, more than 1 MiB');
  if (result.signal !== null || /heap limit|out of memory/i.test(result.stderr))
    throw refusal(file, `needs more than ${HEAP} MiB of memory`);
  throw refusal(
    file,
    `ended before it exported anything (${result.code === null ? 'without an exit code' : `exit code ${result.code}`})`,
  );
}

function missingPackage({ code, failed: message = '' }: Answer): string | null {
  if (code !== 'MODULE_NOT_FOUND' && code !== 'ERR_MODULE_NOT_FOUND') return null;
  return /Cannot find (?:module|package) '((?:@[\w.-]+\/)?[\w][\w.-]*)(?:\/[^']*)?'/.exec(message)?.[1] ?? null;
}

/** What it wanted that it may not have. */
const wants: Readonly<Record<string, string>> = {
  FileSystemRead: 'reads a file outside of its folder',
  FileSystemWrite: 'writes a file',
  ChildProcess: 'starts a program',
  WorkerThreads: 'starts a thread',
};

function failed(answer: Answer, { input, folder }: { input: Evaluating; folder: string }): KapalError {
  const { code = '', permission = '', line = 0, column = 0 } = answer;
  const place = `${input.file}:${line || 1}:${column || 1}`;
  const want = Object.hasOwn(wants, permission)
    ? wants[permission]
    : code === 'ERR_DLOPEN_DISABLED'
      ? 'loads a native module'
      : undefined;
  const said = (answer.failed ?? '').replaceAll(`${folder}/`, '').split('\n')[0] ?? '';
  if (want !== undefined) return refusal(place, `${want}, which a configuration that is imported may not`);
  return new KapalError('declaration_invalid', `${place}: the configuration failed: ${said}`, {
    hint: 'It is run with an empty environment, and sees the scripts and JSON of its folder alone.',
  });
}

function refusal(place: string, message: string): KapalError {
  return new KapalError(
    'declaration_invalid',
    `${place.includes(':') ? place : `${place}:1:1`}: the configuration ${message}`,
    {
      hint: 'It is run apart, to be read only. Write its apps as plain values, or as JSON (ecosystem.config.json).',
    },
  );
}

/** Paths of the copy as those of the folder. */
function placed(value: unknown, { from, to }: { from: string; to: string }): unknown {
  // A value that came as JSON goes through it once more without loss.
  const text = JSON.stringify(value ?? null).replaceAll(
    JSON.stringify(from).slice(1, -1),
    JSON.stringify(to).slice(1, -1),
  );
  const found: unknown = JSON.parse(text);
  const isModule = typeof found === 'object' && found !== null && 'default' in found && !('apps' in found);
  return isModule ? found.default : found;
}
