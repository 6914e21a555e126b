import { createHash } from 'node:crypto';
import type { DeployRequest, OperationDocument } from '../../../src/api/contract/types.ts';
import { KapalError } from '../../../src/model/errors.ts';
import type { ServiceId } from '../../../src/model/service.ts';
import type { Engine } from '../../../src/reconcile/engine.ts';
import { Author } from './author.ts';
import { anyVariant, type Shape } from './declaration.ts';
import { Ledger } from './ledger.ts';
import { planted } from './secrets.ts';
import { strike } from './weather.ts';
import type { World } from './world.ts';

const environment = 'production';
export interface Wanted {
  readonly text: string;
  readonly more?: Partial<DeployRequest>;
  /** Hears of the operation. */
  readonly told?: (operation: OperationDocument) => void;
  readonly refused?: () => void;
}

type Act = (client: Client, engine: Engine, shape: Shape) => void;

/** What people do, and how often. */
const acts: readonly (readonly [weight: number, act: Act])[] = [
  [6, (client, engine) => client.deploy(engine, { text: client.author.all(anyVariant) })],
  [
    4,
    (client, engine, { name }) =>
      client.deploy(engine, { text: client.author.only(name, anyVariant), more: { service: name } }),
  ],
  [1, (client, engine) => client.deployRemote(engine)],
  [1, (client, engine, { name }) => client.prune(engine, name)],
  [2, (client, engine, { name }) => client.operate(name, (service) => engine.rollback(service, null))],
  [2, (client, engine, { name }) => client.operate(name, (service) => engine.restart(service))],
  [2, (client, engine, { name }) => client.scale(engine, name)],
  [3, (client, engine, { name }) => client.setVariable(engine, name)],
  [1, (client, engine, { name }) => client.stop(engine, name, true)],
  [2, (client, engine, { name }) => client.stop(engine, name, false)],
  [2, (client, engine, { name }) => client.domain(engine, name)],
  [2, (client, engine, { name }) => client.send(() => engine.cancel(client.idOf(engine, name)))],
  [0.3, (client, engine) => client.send(() => engine.removeProject('shop', { withDisks: false }))],
];

/** People who use Kapal, and who remember what they were told. */
export class Client {
  readonly #world: World;
  readonly ledger: Ledger;
  readonly author: Author;
  #requests = 0;

  constructor(world: World) {
    this.#world = world;
    this.author = new Author(world.noise);
    this.ledger = new Ledger(world);
  }

  /** Acts and blows at random moments until then. */
  plan(end: number): void {
    const { noise, time } = this.#world;
    time.plan(noise.between(50, 500), () => this.#act());
    for (let at = noise.between(100, 3_000); at < end; at += noise.between(20, noise.pick(500, 4_000, 12_000)))
      time.plan(at, () => (noise.chance(0.35) ? strike(this.#world) : this.#act()));
  }

  idOf(engine: Engine, name: string): ServiceId {
    return engine.resolve(name, { environment });
  }

  deploy(engine: Engine, wanted: Wanted): void {
    this.#requests += 1;
    const request = { ...this.requestOf(wanted.text), idempotencyKey: `request-${this.#requests}`, ...wanted.more };
    this.#deploy(engine, request, wanted);
  }

  /** Of a folder that has been sent. */
  requestOf(text: string): DeployRequest {
    const digest = digestOf(text);
    this.#world.disk.put(digest, text);
    return { environment, source: { kind: 'folder', digest, name: 'shop', git: null } };
  }

  deployRemote(engine: Engine): void {
    const { source } = this.requestOf(this.author.all(anyVariant));
    this.#world.disk.remote = source.kind === 'folder' ? source.digest : null;
    this.#deploy(engine, { environment, source: { kind: 'git', url: 'https://git.example/shop.git', branch: null } });
  }

  /** The declaration does not name one of the services any more. */
  prune(engine: Engine, name: string): void {
    const text = this.author.without(name, anyVariant);
    if (text !== null) this.deploy(engine, { text, more: { prune: true } });
  }

  #deploy(engine: Engine, request: DeployRequest, { told, refused }: Partial<Wanted> = {}): void {
    const acknowledged = (operation: OperationDocument): void => {
      this.ledger.acknowledged(operation);
      told?.(operation);
    };
    this.send(() => engine.deploy(request), acknowledged, refused);
  }

  operate(name: string, work: (service: ServiceId) => Promise<OperationDocument>): void {
    const { engine } = this.#world;
    if (engine === null) return;
    this.send(
      () => work(this.idOf(engine, name)),
      (operation) => this.ledger.acknowledged(operation),
    );
  }

  scale(engine: Engine, name: string): void {
    const instances = this.#world.noise.between(0, 4);
    this.#world.checks.excuse(`shop/${environment}/${name}`);
    this.operate(name, (service) => engine.scale(service, instances));
  }

  stop(engine: Engine, name: string, stopped: boolean): void {
    const service = `shop/${environment}/${name}` as ServiceId;
    this.#world.checks.excuse(service);
    const forget = this.ledger.doubt(service, 'stopped');
    this.send(
      () => (stopped ? engine.stop(this.idOf(engine, name)) : engine.start(this.idOf(engine, name))),
      (operation) => {
        this.ledger.acknowledged(operation);
        forget(String(stopped));
      },
    );
  }

  setVariable(engine: Engine, name: string): void {
    const { noise } = this.#world;
    const key = noise.pick('COLOUR', 'KEY', 'MODE');
    const value = noise.chance(0.8) ? `${planted}${noise.between(0, 1_000_000)}` : null;
    const service = `shop/${environment}/${name}` as ServiceId;
    const told = this.ledger.doubt(service, `variable ${key}`);
    this.send(
      () => engine.setVariables({ project: 'shop', environment, service: name }, { [key]: value }),
      (operation) => {
        if (operation !== null) this.ledger.acknowledged(operation);
        told(value);
      },
    );
  }

  domain(engine: Engine, name: string): void {
    const { noise } = this.#world;
    const host = `${noise.pick('a', 'b', 'c')}.${name}.example.com`;
    const adds = noise.chance(0.6);
    const told = this.ledger.doubt(`shop/${environment}/${name}` as ServiceId, `domain ${host}`);
    this.send(
      async () => {
        const service = this.idOf(engine, name);
        if (adds) await engine.addDomain(service, host, {});
        else await engine.removeDomain(service, host);
      },
      () => told(adds ? 'added' : null),
    );
  }

  /** What is answered by a daemon that dies meanwhile is never heard. A refusal has to be one that people understand. */
  send<T>(
    work: () => Promise<T>,
    acknowledged: (answer: T) => void = () => undefined,
    toldNo: () => void = () => undefined,
  ): void {
    const { life } = this.#world;
    const refused = (error: unknown): void => {
      if (life?.isAlive !== true) return;
      toldNo();
      if (!(error instanceof KapalError) || error.code === 'internal')
        this.#world.checks.fail(`a command failed by a fault: ${error instanceof Error ? error.stack : String(error)}`);
    };
    const heard = (answer: T): void => {
      if (life?.isAlive === true) acknowledged(answer);
    };
    try {
      work()
        .then(heard, refused)
        .catch((error: unknown) => this.#world.checks.fail(String(error)));
    } catch (error) {
      refused(error);
    }
  }

  #act(): void {
    const { engine, noise } = this.#world;
    const [first] = this.author.shapes;
    if (engine === null || first === undefined) return;
    const shape = noise.pick(first, ...this.author.shapes.slice(1));
    let left = noise.fraction() * acts.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of acts) {
      left -= weight;
      if (left < 0) return act(this, engine, shape);
    }
  }
}

function digestOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('hex')}`;
}
