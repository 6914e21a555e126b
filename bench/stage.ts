import { readdir, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { TestKapal } from '../test/e2e/kapal.ts';
import { Figures } from './figures.ts';

/**
 * Runs a bench against a Kapal of its own, started through `./kapal`, and ends the process: 0 when every figure was reached, else 1. What was made
 * (processes, users, folders) is removed in every case, also after SIGINT and SIGTERM.
 */
export async function onStage(bench: (kapal: TestKapal, figures: Figures) => Promise<void>): Promise<never> {
  const figures = new Figures();
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.reject(new Error(`ended by ${signal}`)));
  const begun = performance.now();
  {
    await using kapal = await TestKapal.prepare();
    try {
      await Promise.race([bench(kapal, figures), interrupted.promise]);
    } catch (error) {
      figures.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    if (!figures.reached) await printEvidence(kapal);
  }
  console.log(`took ${Math.round((performance.now() - begun) / 1000)} s`);
  process.exit(figures.reached ? 0 : 1);
}

/** A line of the edge's access log, as far as benches look at it. */
export interface Access {
  readonly time: string;
  readonly method: string;
  readonly target: string;
  readonly status: number;
  readonly durationMs: number;
  /** The endpoint of the last try: `INSTANCE.ATTEMPT`. */
  readonly upstream: string | null;
  readonly attempts: number;
  readonly outcome: string;
}

/** The requests that the edge could not answer well: a status of 500 and more, or an answer that broke. */
export async function badAccesses(kapal: TestKapal): Promise<Access[]> {
  const folder = join(kapal.data, 'edge', 'log');
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.startsWith('access-'));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts
    .flatMap((text) => text.split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Access)
    .filter(({ status, outcome }) => status >= 500 || outcome !== 'complete')
    .toSorted((a, b) => (a.time < b.time ? -1 : 1));
}

/** A GET to the daemon's API over its socket, parsed. Rejects while no daemon answers. */
export function api<Answer>(kapal: TestKapal, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { socketPath: join(kapal.data, 'kapal.sock'), path, agent: false, timeout: 10_000 },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(JSON.parse(text) as Answer);
          else reject(new Error(`${path}: ${response.statusCode} ${text}`));
        });
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${path}: no answer`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** What helps to find out why a figure was missed, before it is removed. */
async function printEvidence(kapal: TestKapal): Promise<void> {
  const bad = await badAccesses(kapal);
  console.log(`\n${bad.length} requests that the edge answered badly; the last ones:`);
  for (const line of bad.slice(-20)) console.log(JSON.stringify(line));
  for (const [name, wanted] of [
    [join('logs', 'daemon.log'), /"level":[456]0|was killed/],
    [join('edge', 'workers.log'), /./],
  ] as const) {
    const text = await readFile(join(kapal.data, name), 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => wanted.test(line));
    console.log(`\n${name}: ${lines.length} lines; the last ones:`);
    for (const line of lines.slice(-30)) console.log(line.slice(0, 600));
  }
}
