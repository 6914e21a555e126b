import type { ErrorCode } from '../../src/model/errors.ts';
import type { Damage, Outcome, Trap, World } from './world.ts';

/** `stored`: a push was taken and its deploy refused; `refused`: by git, which has no codes. */
export type Expected = ErrorCode | 'taken' | 'stored' | 'refused';

/** One hostile input and what has to come of it. */
export interface HostileCase {
  readonly name: string;
  /** The codes with which it may be refused; `taken` where it means no harm once it is read as what it is. */
  readonly expects: readonly Expected[];
  /** Sends it through the daemon's own door. */
  send(trap: Trap): Promise<Outcome>;
}

/** Inputs that come by one door. */
export interface Group {
  readonly door: string;
  /** What they need is made before the first of them. */
  prepare(world: World): Promise<readonly HostileCase[]>;
}

export interface Verdict extends Damage {
  readonly door: string;
  readonly name: string;
  /** It was answered otherwise than it has to be; null: it was not. */
  readonly wrong: string | null;
}

/** Sends all inputs, one after the other, and looks after each what it did. */
export async function runGroups(
  world: World,
  groups: readonly Group[],
  told: (line: string) => void = () => undefined,
): Promise<Verdict[]> {
  const verdicts: { verdict: Verdict; escaped: string }[] = [];
  for (const group of groups)
    for (const one of await group.prepare(world)) {
      const { door } = group;
      const trap = world.newTrap();
      const begun = performance.now();
      const wrong = await wrongOf(one, trap);
      told(`${door}, ${one.name}: ${(performance.now() - begun).toFixed(0)} ms`);
      const alive = (await world.isWell()) ? null : 'the daemon, or what ran before, does not answer';
      verdicts.push({
        verdict: { door, name: one.name, wrong: wrong ?? alive, ...world.damage() },
        escaped: trap.escaped,
      });
    }
  const escaped = world.escaped();
  return verdicts.map(({ verdict, escaped: name }) => ({
    ...verdict,
    files: [...verdict.files, ...escaped.filter((path) => path.includes(name))],
  }));
}

async function wrongOf(one: HostileCase, trap: Trap): Promise<string | null> {
  const outcome = await one.send(trap).catch((error: unknown) => error);
  if (outcome instanceof Error) return `it could not be sent: ${outcome.message}`;
  const { code, said } = outcome as Outcome;
  if (/"internal"|\bat .*\.ts:\d+/.test(said)) return `an error of the program reached its user: ${said}`;
  const expected: readonly string[] = one.expects;
  return expected.includes(code ?? 'taken')
    ? null
    : `${expected.join(' or ')} was expected: ${code ?? 'taken'}: ${said.slice(0, 600)}`;
}

/** A line for each door, and the one that counts. */
export function tableOf(verdicts: readonly Verdict[]): string[] {
  const doors = [...new Set(verdicts.map(({ door }) => door))];
  const count = (rows: readonly Verdict[], of: (row: Verdict) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const cells = (rows: readonly Verdict[]) => [
    rows.length,
    count(rows, ({ files }) => files.length),
    count(rows, ({ commands }) => commands.length),
    count(rows, ({ wrong }) => (wrong === null ? 0 : 1)),
  ];
  const [total, files, commands] = cells(verdicts);
  return [
    '| door | inputs | files outside | commands run | answered wrongly |',
    '|---|---|---|---|---|',
    ...doors.map((door) => `| ${[door, ...cells(verdicts.filter((row) => row.door === door))].join(' | ')} |`),
    '',
    `${total} hostile inputs: ${files} files outside, ${commands} commands run`,
  ];
}

/** Each thing that an input did, or was answered wrongly, as a line. */
export function faultsOf(verdicts: readonly Verdict[]): string[] {
  return verdicts.flatMap(({ door, name, files, commands, wrong }) => [
    ...files.map((path) => `FILE ${door}, ${name}: ${path}`),
    ...commands.map((mark) => `COMMAND ${door}, ${name}: ${mark}`),
    ...(wrong === null ? [] : [`WRONG ${door}, ${name}: ${wrong}`]),
  ]);
}
