import type { DeployDocument } from '../../../src/api/contract/types.ts';
import type { Engine } from '../../../src/reconcile/engine.ts';
import { goodVariant } from './declaration.ts';
import type { Client } from './client.ts';
import type { World } from './world.ts';

/** Milliseconds between two looks, and for one deploy in peace. */
const pace = { look: 300, meanwhile: 100, deploy: 300_000 } as const;
const day = 24 * 3_600_000;

interface Scene {
  readonly what: string;
  readonly text: () => string;
  readonly outcome: 'live' | 'unchanged';
}

/** After the faults: people deploy what works, the same again, and a changed value, and get exactly that. */
export class Finale {
  readonly #world: World;
  readonly #client: Client;
  readonly #scenes: Scene[];
  readonly #first: Scene | undefined;
  readonly #last: Scene | undefined;
  #operation: string | null = null;
  #asked = false;

  constructor(world: World, client: Client) {
    this.#world = world;
    this.#client = client;
    const { author } = client;
    this.#scenes = [
      { what: 'a good deploy', text: () => author.all(goodVariant), outcome: 'live' },
      { what: 'the same again', text: () => author.same(), outcome: 'unchanged' },
      { what: 'another value', text: () => author.otherTokens(), outcome: 'live' },
    ];
    this.#first = this.#scenes[0];
    this.#last = this.#scenes.at(-1);
  }

  get isOver(): boolean {
    return this.#scenes.length === 0 && this.#client.ledger.open().length === 0;
  }

  /** What is waited for. */
  get left(): string {
    return [...this.#scenes.map(({ what }) => what), ...this.#client.ledger.open()].join(', ');
  }

  play(): void {
    const [scene] = this.#scenes;
    if (scene === undefined) return;
    this.#world.time.plan(pace.look, () => this.play());
    if (this.#operation !== null) this.#see(scene, this.#operation);
    else if (!this.#asked) this.#ask(scene);
  }

  /** A refusal is no fault: a service may be on its way out. Then it is asked again. */
  #ask(scene: Scene): void {
    const { engine, store, time } = this.#world;
    // Where something is in flight nothing is unchanged, whether anybody was told of it or not.
    const isQuiet = store?.operations.running().length === 0;
    if (engine === null || (scene !== this.#first && !isQuiet)) return;
    this.#asked = true;
    const text = scene.text();
    if (scene !== this.#first) this.#plan(engine, scene, text);
    time.plan(pace.deploy, () => (this.#operation === null ? (this.#asked = false) : undefined));
    this.#client.deploy(engine, {
      text,
      told: ({ id }) => {
        this.#operation = id;
        // Somebody sets the clock while it is under way: no deadline passes by that.
        if (scene === this.#last) time.plan(pace.meanwhile, () => time.jump(day));
      },
      refused: () => (this.#asked = false),
    });
  }

  /** What is planned is what comes: nothing, or another release of every service. */
  #plan(engine: Engine, scene: Scene, text: string): void {
    const { checks } = this.#world;
    const action = scene.outcome === 'live' ? 'update' : 'unchanged';
    this.#client.send(
      () => engine.plan(this.#client.requestOf(text)),
      ({ changes }) => {
        const wrong = changes.filter((change) => change.action !== action);
        for (const change of wrong)
          checks.fail(`the plan of ${scene.what} says ${change.action} for ${change.service}, ${action} is right`);
      },
    );
  }

  #see(scene: Scene, operation: string): void {
    const { engine, store, checks } = this.#world;
    if (engine === null || store?.operations.get(operation)?.state !== 'finished') return;
    const { result, error } = engine.operation(operation);
    const outcomes = describe(result);
    if (result === null || result.services.some(({ outcome }) => outcome !== scene.outcome))
      checks.fail(`${scene.what} in peace ended ${error?.message ?? outcomes}`);
    this.#scenes.shift();
    this.#operation = null;
    this.#asked = false;
  }
}

function describe(result: DeployDocument | null): string {
  return (result?.services ?? [])
    .map(({ service, outcome, error }) => `${service} ${outcome}${error === undefined ? '' : `: ${error.message}`}`)
    .join('; ');
}
