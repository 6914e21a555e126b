import { mkdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import type { HookAdded, HookDocument } from '../../src/api/contract/hook-types.ts';
import { processesOf, send } from '../e2e/install.ts';
import { seen } from '../patience.ts';
import { domain, type Fault, secrets, type Shop } from './shop.ts';
import { insist } from './insisting.ts';
import { takeTurns } from './jobs.ts';
import { recordOf } from './record.ts';

/** What a client asks for while the daemon is killed. */
export interface Step {
  readonly name: string;
  /** Begins where there is no service yet. */
  readonly isFirst?: true;
  /** Brings the service to where the step begins. Never under a crash. */
  readonly prepare?: (shop: Shop) => Promise<void>;
  /** The daemon is started again with these. */
  readonly flags?: readonly string[];
  /** It is started again as another version of Kapal, whose engines differ. */
  readonly upgrades?: true;
  /** Asks until it has been acknowledged and has ended, and writes down in the shop what holds from then on. Throws where what was acknowledged came to nothing. */
  readonly ask: (shop: Shop) => Promise<void>;
  /** Whether what served before the step serves all the time. */
  readonly serves: boolean;
}

const service = '/services/shop';

async function deploy(shop: Shop, fault: Fault = 'none'): Promise<string> {
  return shop.client.deploying(await shop.client.send(await shop.next(fault)));
}

function deploying(name: string, fault: Fault, outcome: 'live' | 'failed'): Step {
  return {
    name,
    serves: true,
    ask: async (shop) => shop.deployed(await shop.client.ended(await deploy(shop, fault)), outcome),
  };
}

/** A deploy that would go on for ever, and what ends it. */
function ending(name: string, stage: 'build' | 'prepare', end: (shop: Shop) => Promise<string | null>): Step {
  return {
    name,
    serves: true,
    ask: async (shop) => {
      const begun = await deploy(shop, `endless ${stage}`);
      await atWork(shop, begun, stage);
      const newer = await end(shop);
      const ended = await shop.client.ended(begun);
      shop.deployed(ended, 'cancelled');
      if (newer !== null) shop.deployed(await shop.client.ended(newer));
    },
  };
}

/** Resolves when the operation builds, or prepares. */
async function atWork(shop: Shop, operation: string, stage: 'build' | 'prepare'): Promise<void> {
  const sql =
    stage === 'build'
      ? 'SELECT 1 FROM tasks WHERE operation = ? AND build_run IS NOT NULL'
      : "SELECT 1 FROM rollouts WHERE operation = ? AND prepare = 'running'";
  await seen(`the ${stage} of ${operation} runs`, () =>
    recordOf(shop.kapal, (record) => record.prepare(sql).get(operation)),
  );
}

/** The operation that deploys a commit that was pushed, whichever daemon began it. */
function operationOf(shop: Shop, commit: string): Promise<string> {
  const sql = 'SELECT operation FROM repositories WHERE project = ? AND deployed = ? AND tip = deployed';
  return seen(`${commit} is deployed`, () =>
    recordOf(shop.kapal, (record) => record.prepare(sql).get('shop', commit)?.['operation'] as string | undefined),
  );
}

/** A provider that calls until it is answered; the hook goes afterwards, and those whose answer was lost. */
async function callHook(shop: Shop): Promise<void> {
  const { client, kapal } = shop;
  const url = await shop.commit();
  const request = { project: 'shop', environment: 'production', provider: 'gitea', url, branch: 'main' };
  const { status, body } = await client.ask('/hooks', { method: 'POST', body: request });
  if (status !== 201) throw new Error(`the hook was refused: ${status} ${JSON.stringify(body)}`);
  // The cast: the contract's answer, whose shape the API's own tests hold.
  const { hook, secret } = body as HookAdded;
  const before = client.unanswered;
  const answered = await client.deliver({ hook: hook.id, secret: secret ?? '', port: kapal.api });
  if (answered !== 202 && !(answered === 409 && client.unanswered > before))
    throw new Error(`the delivery was refused: ${answered}`);
  const sql = 'SELECT seen, due_at FROM hooks WHERE id = ?';
  await seen('the remote was looked at', () => {
    const row = recordOf(kapal, (record) => record.prepare(sql).get(hook.id));
    return typeof row?.['seen'] === 'string' && row['due_at'] === null;
  });
  const newest = "SELECT id FROM operations WHERE project = 'shop' ORDER BY created_at DESC, rowid DESC LIMIT 1";
  const id = String(recordOf(kapal, (record) => record.prepare(newest).get())?.['id']);
  shop.deployed(await client.ended(client.noted(id)));
  const { body: all } = await client.ask('/hooks');
  for (const one of all as readonly HookDocument[]) {
    const gone = await client.ask(`/hooks/${one.id}`, { method: 'DELETE' });
    if (gone.status !== 204 && gone.status !== 404) throw new Error(`the hook was not removed: ${gone.status}`);
  }
}

async function cancel(shop: Shop): Promise<null> {
  const before = shop.client.unanswered;
  const { status, body } = await shop.client.ask(`${service}/cancel`, { method: 'POST' });
  // Nothing is in flight any more where an earlier try had its effect.
  const isDone = status < 300 || (status === 409 && shop.client.unanswered > before);
  if (!isDone) throw new Error(`cancel: ${status} ${JSON.stringify(body)}`);
  return null;
}

function scaling(name: string, { from, to }: { readonly from: number; readonly to: number }): Step {
  return {
    name,
    serves: true,
    prepare: async (shop) => {
      if (shop.instances !== from) await scale(shop, from);
    },
    ask: (shop) => scale(shop, to),
  };
}

async function scale(shop: Shop, instances: number): Promise<void> {
  shop.requireOutcome(await shop.client.operation(`${service}/scale`, { instances }), 'live');
  shop.instances = instances;
}

async function vary(shop: Shop, mode: string | null): Promise<void> {
  const before = shop.client.unanswered;
  const ask = () => shop.client.begun(`${service}/variables`, { changes: { MODE: mode } }, 'PATCH');
  try {
    const operation = await shop.client.ended(await ask());
    shop.set = mode;
    shop.renewed(operation);
  } catch (error) {
    // Of a repetition: it is unset already, and the first try made its release, which is looked at as the current one.
    if (mode !== null || shop.client.unanswered === before || !String(error).includes('not_found')) throw error;
    shop.set = mode;
    await shop.adopt();
  }
}

async function name(shop: Shop, method: 'PUT' | 'DELETE'): Promise<void> {
  const before = shop.client.unanswered;
  const body = method === 'PUT' ? {} : undefined;
  const { status, body: answer } = await shop.client.ask(`${service}/domains/${domain}`, { method, body });
  const isDone = status < 300 || (status === 404 && shop.client.unanswered > before);
  if (!isDone) throw new Error(`${method} of the domain: ${status} ${JSON.stringify(answer)}`);
  shop.hasDomain = method === 'PUT';
}

async function hold(shop: Shop, what: 'stop' | 'start'): Promise<void> {
  shop.requireOutcome(await shop.client.operation(`${service}/${what}`), 'live');
  shop.isStopped = what === 'stop';
}

function rollback(): Step {
  let release = 0;
  return {
    name: 'rollback',
    serves: true,
    prepare: async (shop) => {
      let earlier = await shop.earlier();
      if (earlier === null) {
        earlier = shop.release;
        shop.deployed(await shop.client.ended(await deploy(shop)));
      }
      release = earlier;
    },
    ask: async (shop) => {
      const before = shop.releases.get(release);
      const ended = await shop.client.operation(`${service}/rollback`, { release });
      if (before !== undefined) shop.released(ended, 'live', before);
    },
  };
}

/** Everything of the edge dies at once: the daemon starts it with the table that it served. */
async function loseEdge({ kapal, client }: Shop): Promise<void> {
  for (const { pid } of processesOf(kapal).filter(({ role }) => role === 'edge')) send(pid, 'SIGKILL');
  await client.ask('/services');
}

/** What is to happen is the start itself. */
async function nothing({ client }: Shop): Promise<void> {
  await client.ask('/services');
}

/** The first of each group leaves the service as the next one wants it. */
export const groups: readonly (readonly Step[])[] = [
  [
    {
      name: 'first deploy',
      isFirst: true,
      serves: false,
      ask: async (shop) => {
        const changes = { SECRET: secrets.shop };
        const { status } = await shop.client.ask(`${service}/variables`, { method: 'PATCH', body: { changes } });
        if (status !== 202) throw new Error(`the variable was refused: ${status}`);
        shop.deployed(await shop.client.ended(await deploy(shop)));
      },
    },
    {
      name: 'removal',
      serves: false,
      ask: async (shop) => {
        const { status } = await shop.client.ask('/projects/shop', { method: 'DELETE' });
        if (status >= 300 && !(status === 404 && shop.client.unanswered > 0)) throw new Error(`removal: ${status}`);
        shop.forget();
      },
    },
  ],
  [deploying('redeploy', 'none', 'live')],
  [
    {
      name: 'deploy from git',
      serves: true,
      ask: async (shop) => {
        const url = await shop.commit();
        shop.deployed(await shop.client.ended(await shop.client.deploying({ kind: 'git', url, branch: 'main' })));
      },
    },
  ],
  [
    {
      name: 'push',
      serves: true,
      ask: async (shop) => {
        const commit = await shop.push();
        shop.deployed(await shop.client.ended(shop.client.noted(await operationOf(shop, commit))));
      },
    },
    {
      name: 'choice of a branch',
      serves: true,
      ask: async ({ client }) => {
        const { status } = await client.ask('/repositories/shop', { method: 'PATCH', body: { branch: 'main' } });
        if (status !== 200) throw new Error(`the choice was refused: ${status}`);
      },
    },
  ],
  [{ name: 'call of a hook', serves: true, ask: callHook }],
  [deploying('failing build', 'build', 'failed')],
  [
    deploying('failing boot', 'boot', 'failed'),
    {
      name: 'garbage collection',
      serves: true,
      prepare: async (shop) => {
        // A release that never served, with its files; the cache of a remote that nothing came from; a tool and a cache that no build has.
        shop.deployed(await shop.client.ended(await deploy(shop, 'boot')), 'failed');
        mkdirSync(join(shop.kapal.data, 'git', 'f'.repeat(32)), { recursive: true });
        const tool = join(shop.kapal.data, 'toolchain', 'pnpm-1.2.3');
        mkdirSync(join(tool, 'node_modules'), { recursive: true });
        utimesSync(tool, 0, 0);
        mkdirSync(join(shop.kapal.data, 'homes', 'gone', 'production', 'gone', '.cache', 'npm'), { recursive: true });
      },
      ask: async (shop) => {
        const { status, body } = await shop.client.ask('/gc', { method: 'POST', body: { dryRun: false } });
        if (status !== 200) throw new Error(`gc: ${status} ${JSON.stringify(body)}`);
      },
    },
  ],
  [ending('cancel of a build', 'build', cancel)],
  [ending('cancel of a rollout', 'prepare', cancel)],
  [ending('newer deploy during a build', 'build', (shop) => deploy(shop))],
  [ending('newer deploy during a rollout', 'prepare', (shop) => deploy(shop))],
  [scaling('scale up', { from: 2, to: 3 }), scaling('scale down', { from: 3, to: 2 })],
  [
    {
      name: 'restart',
      serves: true,
      ask: async (shop) => shop.renewed(await shop.client.operation(`${service}/restart`)),
    },
  ],
  [rollback()],
  [
    { name: 'variable set', serves: true, ask: (shop) => vary(shop, `set-${shop.client.history.length}`) },
    {
      name: 'variable unset',
      serves: true,
      prepare: async (shop) => {
        if (shop.set === null) await vary(shop, 'set');
      },
      ask: (shop) => vary(shop, null),
    },
  ],
  [
    { name: 'domain add', serves: true, ask: (shop) => name(shop, 'PUT') },
    {
      name: 'domain remove',
      serves: true,
      prepare: async (shop) => {
        if (!shop.hasDomain) await name(shop, 'PUT');
      },
      ask: (shop) => name(shop, 'DELETE'),
    },
  ],
  [
    { name: 'stop', serves: false, ask: (shop) => hold(shop, 'stop') },
    {
      name: 'start',
      serves: false,
      prepare: async (shop) => {
        if (!shop.isStopped) await hold(shop, 'stop');
      },
      ask: (shop) => hold(shop, 'start'),
    },
  ],
  [
    { name: 'start without HTTPS', serves: false, flags: ['--https', 'none'], ask: nothing },
    { name: 'start with HTTPS', serves: false, flags: [], ask: nothing },
  ],
  [
    { name: 'deploy with a disk', serves: true, ask: ({ ledger }) => ledger.deploy({ disk: true }) },
    {
      name: 'next release on the same disk',
      serves: true,
      prepare: async ({ ledger }) => {
        if (ledger.state !== 'attached') await ledger.deploy({ disk: true });
      },
      ask: ({ ledger }) => ledger.deploy({ disk: true }),
    },
    {
      name: 'disk remove',
      serves: true,
      prepare: async ({ ledger }) => {
        await ledger.deploy({ disk: true });
        await ledger.deploy({ disk: false });
      },
      ask: ({ ledger }) => ledger.removeDisk(),
    },
    {
      name: 'removal with a disk',
      serves: true,
      prepare: async ({ ledger }) => {
        if (ledger.state !== 'attached') await ledger.deploy({ disk: true });
      },
      ask: ({ ledger }) => ledger.remove(),
    },
  ],
  [{ name: 'loss of the edge', serves: false, ask: loseEdge }],
  [{ name: 'jobs', serves: true, ask: takeTurns }],
  [{ name: 'app that ignores PORT', serves: true, ask: insist }],
  [{ name: 'upgrade', serves: true, upgrades: true, ask: nothing }],
];

export const steps: readonly Step[] = groups.flat();

export function stepNamed(wanted: string): Step {
  const step = steps.find((one) => one.name === wanted);
  if (step === undefined) throw new Error(`no step "${wanted}"; there are: ${steps.map((one) => one.name).join(', ')}`);
  return step;
}
