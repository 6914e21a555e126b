import { rmSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { hang, seen } from '../patience.ts';
import { type Answer, askApi, type Asking } from './api.ts';
import type { Ran, TestKapal, Visit } from './kapal.ts';

/** A small HTTP server without dependencies: says who it is, and what happens to it. Waits for `BOOT_GATE` and `STOP_GATE`, files of the test; crashes at boot while there is a `CRASH_GATE`. */
export const server = `
const { createServer } = require('node:http');
const { existsSync } = require('node:fs');
const at = (gate, then) => (!gate || existsSync(gate) ? then() : setTimeout(at, 20, gate, then));
console.log('booting ' + process.env.KAPAL_INSTANCE);
if (process.env.CRASH_GATE && existsSync(process.env.CRASH_GATE)) process.exit(7);
at(process.env.BOOT_GATE, () => {
  const web = createServer((request, response) => {
    const asked = new URL(request.url, 'http://x').searchParams;
    if (asked.has('exit')) process.exit(Number(asked.get('exit')));
    if (asked.has('eat')) setInterval(() => (globalThis.kept ??= []).push(Buffer.alloc(8 << 20, 1)), 5);
    const slow = Number(asked.get('slow') ?? 0);
    const answer = () => response.end(JSON.stringify({ pid: process.pid, release: process.env.KAPAL_RELEASE, mode: process.env.MODE ?? null }));
    slow > 0 ? setTimeout(answer, slow) : answer();
  });
  web.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening'));
  process.on('SIGTERM', () => {
    console.log('asked to stop');
    at(process.env.STOP_GATE, () => web.close(() => (console.log('stopped in order'), process.exit(0))));
    web.closeIdleConnections();
  });
});
`;

/** A project of one web service made of \`server\`; \`more\` stands below the service, six spaces deep. */
export function shop(
  name: string,
  more: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const service = [
    '  - type: web',
    `    name: ${name}`,
    '    runtime: node',
    '    startCommand: node server.js',
    '    healthCheckPath: /healthz',
  ];
  return {
    'kapal.yaml': [`project: ${name}`, 'services:', ...service, ...more.map((line) => `    ${line}`), ''].join('\n'),
    'server.js': server,
    ...files,
  };
}

/** A file that programs of the test wait for. */
export class Gate {
  readonly path: string;

  constructor(kapal: TestKapal, name: string) {
    this.path = join(kapal.folder, `gate-${name}`);
    // Of an earlier test.
    rmSync(this.path, { force: true });
  }

  async open(): Promise<void> {
    await writeFile(this.path, '', { mode: 0o644 });
  }

  async close(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** As a shell waits for it. */
  get wait(): string {
    return `while [ ! -e ${this.path} ]; do sleep 0.05; done`;
  }
}

/** Looks until it finds; answers what it found. */
export function eventually<T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  seconds = hang / 1000,
): Promise<T> {
  return seen(what, look, seconds * 1000);
}

/** A command that goes on while the test does something else. */
export interface Going {
  readonly ended: Promise<Ran>;
}

export function going(kapal: TestKapal, ...args: readonly string[]): Going {
  return { ended: kapal.run(...args, '--json') };
}

/** Ids of instances with their pids and restarts: equal before and after means that nobody noticed. */
export async function facesOf(kapal: TestKapal): Promise<string[]> {
  return (await kapal.ps())
    .flatMap(({ service, instances }) =>
      instances.map(({ id, pid, restarts, state }) => `${service} ${id} ${pid} ${restarts} ${state}`),
    )
    .toSorted();
}

/** Resolves when the log of a service holds these words: lines are stored a moment after what they tell of. */
export function logged(kapal: TestKapal, service: string, words: RegExp): Promise<string> {
  return eventually(`${String(words)} in the log of ${service}`, async () => {
    const { stdout } = await kapal.run('logs', service);
    return words.test(stdout) ? stdout : null;
  });
}

/** Resolves when the host answers 200: the edge learns of an instance a moment after it is ready. */
export function answers(kapal: TestKapal, host: string): Promise<Visit> {
  return eventually(`${host} answers`, async () => {
    const visit = await kapal.visit(host).catch(() => null);
    return visit?.status === 200 ? visit : null;
  });
}

/** Asks the edge again and again on connections of its own until stopped; answers what did not come back as 200. */
export function visitor(
  kapal: TestKapal,
  host: string,
): AsyncDisposable & { stop(): Promise<{ requests: number; failures: string[] }> } {
  let over = false;
  let requests = 0;
  const failures: string[] = [];
  const work = (async () => {
    while (!over) {
      requests += 1;
      const answer = await kapal
        .visit(host)
        .then((visit) => (visit.status === 200 ? null : `status ${visit.status}`), String);
      if (answer !== null) failures.push(answer);
      await pause(20);
    }
  })();
  const stop = async () => {
    over = true;
    await work;
    return { requests, failures };
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

/** One request to the API on its Unix socket, past the command line. */
export function ask(kapal: Pick<TestKapal, 'data'>, path: string, options: Asking = {}): Promise<Answer> {
  return askApi(kapal.data, path, options);
}

/** Bytes to a port and all that comes back until the other side ends, or says nothing for a while. */
export function exchange(port: number, bytes: string, silence = 1_500): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port });
    let back = '';
    const end = () => {
      socket.destroy();
      resolve(back);
    };
    socket.setTimeout(silence, end);
    socket.on('data', (part) => (back += part.toString('latin1')));
    socket.on('close', end);
    socket.on('error', (error) => (back === '' ? reject(error) : end()));
    socket.write(bytes, 'latin1');
  });
}
