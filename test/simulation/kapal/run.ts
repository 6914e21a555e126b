import { Client } from './client.ts';
import { Finale } from './finale.ts';
import { checkArtifacts, checkRest } from './survey.ts';
import { checkSecrets } from './secrets.ts';
import { World, type WorldOptions } from './world.ts';

export interface Outcome {
  readonly seed: number;
  /** Null: everything held. */
  readonly violation: string | null;
  /** Equal digests mean equal histories. */
  readonly trace: string;
  readonly last: readonly string[];
  readonly steps: number;
  readonly decisions: number;
  readonly lives: number;
  readonly acknowledged: number;
}

/**
 * Milliseconds of a history with faults, for what comes to rest after it, and between two looks at everything. A preDeployCommand that hangs, asked for before
 * there was peace, has half an hour.
 */
const times = {
  most: 150_000,
  least: 30_000,
  healing: 2_400_000,
  rest: 120_000,
  survey: 2_000,
  meanwhile: 50,
} as const;

/** One history from one seed: people and faults, then peace, then rest. */
export async function runHistory(options: WorldOptions): Promise<Outcome> {
  const world = new World(options);
  const client = new Client(world);
  world.people = client.ledger;
  const finale = new Finale(world, client);
  try {
    const faulty = world.noise.between(times.least, times.most);
    world.boot();
    client.plan(faulty);
    survey(world);
    await until(world, () => world.time.elapsed >= faulty);
    heal(world, finale);
    const healed = world.time.elapsed;
    await until(world, () => finale.isOver || world.time.elapsed - healed > times.healing);
    if (world.checks.violation === null && !finale.isOver)
      world.checks.fail(`what was acknowledged does not end: ${finale.left}`);
    // What ends by itself is started again, though somebody sets the clock back before it is due.
    world.machine.strike('crash');
    world.time.plan(times.meanwhile, () => world.time.jump(-24 * 3_600_000));
    const done = world.time.elapsed;
    await until(world, () => world.time.elapsed - done > times.rest);
    atRest(world, client);
  } finally {
    world.close();
  }
  const { seed, checks, trace, steps, lives } = world;
  const { violation, decisions } = checks;
  return {
    seed,
    violation,
    trace: trace.digest,
    last: trace.last,
    steps,
    decisions,
    lives,
    acknowledged: client.ledger.operations.size,
  };
}

/** Lets one thing after the other happen, each with all that follows from it at once. */
async function until(world: World, isOver: () => boolean): Promise<void> {
  const { time, checks } = world;
  let seen = -1;
  while (checks.violation === null) {
    if (time.happened !== seen) {
      seen = time.happened;
      // All promises that can go on have gone on when this comes.
      await new Promise((resolve) => setImmediate(resolve));
      world.bury();
    }
    if (isOver() || time.agenda.next === null) return;
    try {
      time.agenda.step();
    } catch (error) {
      checks.fail(`the daemon crashed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
}

function survey(world: World): void {
  world.survey.look();
  world.time.plan(times.survey, () => survey(world));
}

/** From here on nothing goes wrong any more. */
function heal(world: World, finale: Finale): void {
  world.trace.note('peace');
  world.faults.level = 0;
  world.machine.heal();
  world.spare();
  finale.play();
}

function atRest(world: World, client: Client): void {
  const { checks, store, disk } = world;
  if (checks.violation !== null) return;
  world.survey.look();
  checkRest(world, checks);
  client.ledger.check();
  client.ledger.checkEnvironments(client.author);
  checkSecrets(world);
  if (store === null) return;
  for (const { id } of store.services.all()) checkArtifacts(store, { service: id, folders: disk.of(id), checks });
}
