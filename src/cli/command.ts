import type { At } from '../api/contract/paths.ts';
import type { Client } from './client/client.ts';
import type { Flags } from './flags.ts';
import type { CliHost } from './host.ts';
import type { Messages } from './language/en.ts';
import type { Output } from './output.ts';

/** One command: what it takes, how it is used, what it does. Each has a file of its own, loaded when it is invoked. */
export interface Command {
  readonly operands: readonly Operand[];
  readonly options: readonly Option[];
  /** Whole command lines without `kapal`, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Resolves with the exit code; throws KapalError. */
  run(invocation: Invocation): Promise<number>;
}

export interface Operand {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** The last operand may be given many times. */
  readonly variadic?: boolean;
  /** What a shell completes it with. */
  readonly completes?: 'service' | 'folder' | readonly string[];
}

export interface Option {
  /** `-f, --follow`, `--since <moment>`. */
  readonly flags: string;
  readonly description: string;
}

/** A command line, understood. */
export interface Invocation {
  readonly operands: readonly string[];
  readonly flags: Flags;
  /** One JSON document on stdout, never translated. */
  readonly json: boolean;
  /** Where a service is looked for. */
  readonly at: At;
  /** The data folder, absolute. */
  readonly data: string;
  readonly host: CliHost;
  readonly out: Output;
  readonly say: Messages;
  /** The daemon, reached at the first request. */
  readonly client: Client;
}

/** The operand at a place, which the command declares as required. */
export function operand({ operands }: Invocation, place: number): string {
  const found = operands[place];
  if (found === undefined) throw new RangeError(`operand ${place} was not declared as required`);
  return found;
}
