import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { KapalError } from '../../model/errors.ts';

/**
 * Files of one run. `FOLDER/runs/ID/` holds what belongs to it alone; `FOLDER/records/` is flat, so that one watch sees every report.
 */
export interface RunFiles {
  readonly folder: string;
  /** What the folder is called while it is removed, so that a keeper that comes late finds no place to claim the run. */
  readonly gone: string;
  /** The intent: the handle and what was to run, without values of variables. */
  readonly intent: string;
  /** Made once, exclusively: by the keeper with its identity, or by the driver with `withdrawn` to keep a late keeper out. */
  readonly claim: string;
  /** What the program prints, appended. */
  readonly log: string;
  /** stderr of the stages before the program: why it was not started. */
  readonly refusal: string;
  /** Why the run was ended: what it used and its limit, where the driver itself keeps memory limits. */
  readonly starved: string;
  /** Not empty once the last stage before the program had nothing left that could be refused. */
  readonly reached: string;
  /** Prefix of the records: `.process`, `.exit` and `.drained` follow. */
  readonly record: string;
}

/** Begins with a letter or digit, so that neither `..` nor an option can be meant. */
const RUN_ID = /^[a-z0-9][a-z0-9.-]{0,127}$/;

/** Not the id of a run, by its dot. */
const GONE = '.gone-';

export class Layout {
  readonly runs: string;
  readonly records: string;

  constructor(folder: string) {
    this.runs = join(folder, 'runs');
    this.records = join(folder, 'records');
  }

  /** The ids of all runs that have a folder. */
  async ids(): Promise<string[]> {
    return (await readdir(this.runs)).filter((name) => RUN_ID.test(name));
  }

  /** Folders whose removal was cut short. */
  async remnants(): Promise<string[]> {
    return (await readdir(this.runs)).filter((name) => name.startsWith(GONE)).map((name) => join(this.runs, name));
  }

  /** Throws KapalError `runtime_failed` for an id that is not safe in a path. */
  files(id: string): RunFiles {
    if (!RUN_ID.test(id)) throw new KapalError('runtime_failed', `${JSON.stringify(id)} is not the id of a run`);
    const folder = join(this.runs, id);
    return {
      folder,
      gone: join(this.runs, `${GONE}${id}`),
      intent: join(folder, 'run.json'),
      claim: join(folder, 'claim'),
      log: join(folder, 'log'),
      refusal: join(folder, 'refusal'),
      starved: join(folder, 'starved'),
      reached: join(folder, 'reached'),
      record: join(this.records, id),
    };
  }
}

/** The run that a file of the records folder is about, or `null` for another file. */
export function runOfRecord(name: string): string | null {
  return /^(.+)\.(?:process|exit|drained)$/.exec(name)?.[1] ?? null;
}
