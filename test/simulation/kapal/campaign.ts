import { type Bug, bugs } from './bugs.ts';
import { type Outcome, runHistory } from './run.ts';

/** A planted bug that survives so many histories is not found. */
const patience = 120;
/** Calls to the outside that are shown of a history that failed. */
const shown = 120;

/** Many histories, told on stdout: a line of JSON each result, or text for people. */
export class Campaign {
  readonly #folder: string;
  readonly #json: boolean;
  #crash: string | null = null;

  constructor(options: { readonly folder: string; readonly json: boolean }) {
    this.#folder = options.folder;
    this.#json = options.json;
  }

  /** A rejection that nobody heard: a real daemon ends by it. */
  crashed(error: unknown): void {
    this.#crash ??= `the daemon crashed: ${error instanceof Error ? error.stack : String(error)}`;
  }

  /** Sound histories until the time is over, `least` in any case. Whether everything held. */
  async explore(input: { readonly from: number; readonly seconds: number; readonly least: number }): Promise<boolean> {
    const end = performance.now() + input.seconds * 1000;
    const sum = { seeds: 0, steps: 0, decisions: 0, lives: 0, acknowledged: 0 };
    const violations: { seed: number; violation: string; replay: string }[] = [];
    for (let seed = input.from; sum.seeds < input.least || performance.now() < end; seed += 1) {
      const outcome = await this.#run(seed);
      sum.seeds += 1;
      sum.steps += outcome.steps;
      sum.decisions += outcome.decisions;
      sum.lives += outcome.lives;
      sum.acknowledged += outcome.acknowledged;
      if (outcome.violation === null) continue;
      violations.push({ seed, violation: outcome.violation, replay: replayOf(seed) });
      this.#tell({ seed, violation: outcome.violation }, `seed ${seed}: ${outcome.violation}\n  ${replayOf(seed)}`);
    }
    const { seeds, steps, decisions, lives, acknowledged } = sum;
    this.#tell(
      { ...sum, violations },
      `${seeds} seeds, ${steps} steps, ${decisions} decisions, ${lives} lives of the daemon, ${acknowledged} acknowledged operations: ${violations.length} violations`,
    );
    return violations.length === 0;
  }

  /** One history twice: it has to go the same way. */
  async replay(seed: number, named?: string): Promise<boolean> {
    const bug = named === undefined ? undefined : bugs.find(({ does }) => does === named);
    const [first, second] = [await this.#run(seed, bug, shown), await this.#run(seed, bug, shown)];
    const same = first.trace === second.trace;
    const { violation } = first;
    const told = violation === null ? [] : [...first.last, violation];
    this.#tell(
      { seed, trace: first.trace, same, violation },
      [
        ...told,
        `seed ${seed}: trace ${first.trace}, ${same ? 'the same again' : `then ${second.trace}: NOT the same`}`,
      ].join('\n'),
    );
    return same && violation === null;
  }

  /** Histories of each planted bug until one shows it. Whether all were found. */
  async findBugs(from: number, named?: string): Promise<boolean> {
    let missed = 0;
    const wanted = bugs.filter(({ does }) => named === undefined || does === named);
    for (const bug of wanted) {
      const found = await this.#find(bug, from);
      if (found === null) missed += 1;
      const by =
        found === null ? `not found in ${patience} histories` : `found by seed ${found.seed}: ${found.violation}`;
      this.#tell({ bug: bug.does, found }, `a Kapal that ${bug.does}: ${by}`);
    }
    this.#tell({ bugs: wanted.length, missed }, `${wanted.length} planted bugs, ${missed} not found`);
    return missed === 0;
  }

  async #find(bug: Bug, from: number): Promise<{ seed: number; violation: string } | null> {
    for (let seed = from; seed < from + patience; seed += 1) {
      const { violation } = await this.#run(seed, bug);
      if (violation !== null && bug.found.test(violation)) return { seed, violation };
    }
    return null;
  }

  async #run(seed: number, bug?: Bug, kept = 0): Promise<Outcome> {
    const outcome = await runHistory({
      seed,
      folder: this.#folder,
      kept,
      ...(bug === undefined ? {} : { variant: bug.variant }),
    });
    const crash = this.#crash;
    this.#crash = null;
    return crash === null ? outcome : { ...outcome, violation: outcome.violation ?? crash };
  }

  #tell(facts: object, text: string): void {
    console.log(this.#json ? JSON.stringify(facts) : text);
  }
}

function replayOf(seed: number): string {
  return `npm run simulate -- --seed ${seed}`;
}
