import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec } from '../../lib/exec.ts';
import type { DeployDocument, ServiceDocument } from '../../api/contract/types.ts';
import type { CliHost } from '../host.ts';

/** A Kapal of the demo's own: data folder, ports, daemon; driven by the same command line that a user has. */
export interface Stage {
  readonly folder: string;
  readonly data: string;
  readonly port: number;
  readonly api: number;
}

export async function setStage(): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-demo-'));
  // Services run as users of their own and have to pass through it.
  await chmod(folder, 0o755);
  return { folder, data: join(folder, 'data'), port: await freePort(), api: await freePort() };
}

/** Removes what the demo made; the daemon and what it runs must have ended. */
export async function strike(stage: Stage): Promise<void> {
  await rm(stage.folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Answers the pid of the daemon, which serves when this resolves. */
export async function startDaemon(host: CliHost, stage: Stage): Promise<number> {
  const flags = [
    '--http',
    `127.0.0.1:${stage.port}`,
    '--https',
    'none',
    '--api',
    `127.0.0.1:${stage.api}`,
    '--domain',
    'localhost',
    '--edge',
    'auto',
    '--runtime',
    'auto',
  ];
  const facts = (await kapal({ host, stage }, ['up', '--detach', ...flags])) as { pid: number };
  return facts.pid;
}

export async function deploy(
  host: CliHost,
  stage: Stage,
  input: { repository: string; branch: string },
): Promise<DeployDocument> {
  return (await kapal(
    { host, stage },
    ['deploy', input.repository, '--branch', input.branch],
    [0, 1],
  )) as DeployDocument;
}

export async function services(host: CliHost, stage: Stage): Promise<readonly ServiceDocument[]> {
  return (await kapal({ host, stage }, ['ps'])) as readonly ServiceDocument[];
}

/** Runs a command of this command line with `--json` and answers its document. Throws with what it said when its exit code is not among `codes`. */
export async function kapal(
  scene: { host: CliHost; stage: Stage },
  args: readonly string[],
  codes: readonly number[] = [0],
): Promise<unknown> {
  const { host, stage } = scene;
  const [program = process.execPath, ...rest] = host.program;
  const env = Object.fromEntries(
    Object.entries(host.env).flatMap(([key, value]) =>
      value === undefined || key.startsWith('KAPAL_') ? [] : [[key, value] as const],
    ),
  );
  const result = await exec(program, [...rest, ...args, '--json', '--data', stage.data], {
    env,
    cwd: stage.folder,
    timeout: 120_000,
  });
  if (result.code === null || !codes.includes(result.code)) {
    throw new Error(
      `kapal ${args.join(' ')} ended with ${result.code ?? result.signal}: ${result.stderr.trim()} ${result.stdout.trim()}`,
    );
  }
  return result.stdout.trim() === '' ? null : (JSON.parse(result.stdout) as unknown);
}

/** A port that nothing listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}
