import { askApi } from '../e2e/api.ts';
import type { Ran, TestKapal } from '../e2e/kapal.ts';
import { answers, server } from '../e2e/survival.ts';
import { until } from '../patience.ts';

/** What a person asks for on a disk that may be full, and how it shows that it was done. */
export interface Step {
  readonly name: string;
  /** Begins where there is no service yet. */
  readonly isFirst?: true;
  /** Brings the service to where the step begins. With room. */
  readonly prepare?: (shop: Shop) => Promise<void>;
  /** The command; it is repeated where it was refused. */
  readonly ask: (shop: Shop) => Promise<Ran>;
  /** Resolves when the effect is there. */
  readonly seen: (shop: Shop) => Promise<void>;
  /** Whether what served before the step serves all the time. */
  readonly serves: boolean;
}

export const host = 'shop.localhost';
const domain = 'kopi.example.com';

/** The one service of a run, in versions: each says its own in its answers. */
export class Shop {
  readonly kapal: TestKapal;
  version = 0;
  instances = 2;
  /** In what the answers say. */
  shown = '';

  constructor(kapal: TestKapal) {
    this.kapal = kapal;
  }

  /** The next version, in a folder of its own. */
  async next(): Promise<string> {
    this.version += 1;
    const mode = `v${this.version}`;
    this.shown = mode;
    const text = [
      'project: shop',
      'services:',
      '  - type: web',
      '    name: shop',
      '    runtime: node',
      '    buildCommand: echo built',
      '    preDeployCommand: echo prepared',
      '    startCommand: node server.js',
      '    healthCheckPath: /healthz',
      '    maxShutdownDelaySeconds: 2',
      '    numInstances: 2',
      `    envVars: [{key: MODE, value: ${mode}}]`,
      '',
    ];
    return this.kapal.project('shop', { 'kapal.yaml': text.join('\n'), 'server.js': server });
  }

  /** Resolves when so many instances are ready (as many as before, unless told), no other is left, and visitors see the version. */
  async settled(instances = this.instances): Promise<void> {
    this.instances = instances;
    await this.kapal.serviceOnce(
      'shop',
      ({ status, instances: present }) =>
        status === 'running' && present.length === instances && present.every(({ state }) => state === 'ready'),
    );
    await until(`version ${this.shown}`, async () =>
      (await answers(this.kapal, host)).body.includes(`"${this.shown}"`),
    );
  }

  async deploy(): Promise<void> {
    await this.kapal.deploy(await this.next());
    await this.settled(2);
  }
}

/** The folder of the version is made once: a repetition sends the same. */
function deploying(): Pick<Step, 'prepare' | 'ask'> {
  let folder = '';
  return {
    prepare: async (shop) => void (folder = await shop.next()),
    ask: ({ kapal }) => kapal.run('deploy', folder, '--json'),
  };
}

function scaling(name: string, { from, to }: { readonly from: number; readonly to: number }): Step {
  return {
    name,
    prepare: async (shop) => {
      await shop.kapal.json(['scale', `shop=${from}`]);
      await shop.settled(from);
    },
    ask: ({ kapal }) => kapal.run('scale', `shop=${to}`, '--json'),
    serves: true,
    seen: (shop) => shop.settled(to),
  };
}

const settled = (shop: Shop): Promise<void> => shop.settled();

export const steps: readonly Step[] = [
  {
    name: 'first deploy',
    ...deploying(),
    isFirst: true,
    serves: false,
    seen: (shop) => shop.settled(2),
  },
  { name: 'redeploy', ...deploying(), serves: true, seen: settled },
  scaling('scale up', { from: 2, to: 3 }),
  scaling('scale down', { from: 3, to: 2 }),
  { name: 'restart', ask: ({ kapal }) => kapal.run('restart', 'shop', '--json'), serves: true, seen: settled },
  {
    name: 'variable change',
    prepare: async (shop) => {
      shop.version += 1;
      shop.shown = `v${shop.version}`;
    },
    ask: ({ kapal, shown }) => kapal.run('env', 'set', 'shop', `MODE=${shown}`, '--json'),
    serves: true,
    seen: settled,
  },
  {
    name: 'domain add',
    prepare: async ({ kapal }) => void (await kapal.run('domain', 'remove', 'shop', domain)),
    ask: ({ kapal }) => kapal.run('domain', 'add', 'shop', domain, '--json'),
    serves: true,
    seen: async ({ kapal }) => void (await answers(kapal, domain)),
  },
  {
    name: 'domain remove',
    prepare: async ({ kapal }) => void (await kapal.json(['domain', 'add', 'shop', domain])),
    ask: async ({ kapal }) => {
      const ran = await kapal.run('domain', 'remove', 'shop', domain, '--json');
      // Of a repetition: the first one had its effect.
      return ran.code === 1 && ran.stdout.includes('not_found') ? { ...ran, code: 0 } : ran;
    },
    serves: true,
    seen: async ({ kapal }) =>
      until('the domain is gone', async () => (await kapal.visit(domain).catch(() => null))?.status === 404),
  },
  {
    name: 'removal',
    ask: async ({ kapal }) => {
      const answer = await askApi(kapal.data, '/projects/shop', { method: 'DELETE' }).catch(() => null);
      const isGone = answer !== null && (answer.status < 300 || answer.status === 404);
      return { code: isGone ? 0 : 3, stdout: JSON.stringify(answer), stderr: '' };
    },
    serves: false,
    seen: async ({ kapal }) => until('no service', async () => (await kapal.ps()).length === 0),
  },
];
