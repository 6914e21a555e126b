import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { TestContext } from 'node:test';
import { checkout, type Ran, type TestKapal } from './kapal.ts';

/** A small HTTP server without dependencies: says who it is, and what happens to it. Waits for `BOOT_GATE` and `STOP_GATE`, files of the test. */
export const server = `
const { createServer } = require('node:http');
const { existsSync } = require('node:fs');
const at = (gate, then) => (!gate || existsSync(gate) ? then() : setTimeout(at, 20, gate, then));
console.log('booting ' + process.env.KAPAL_INSTANCE);
at(process.env.BOOT_GATE, () => {
  const web = createServer((request, response) => {
    const slow = Number(new URL(request.url, 'http://x').searchParams.get('slow') ?? 0);
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
export function shop(name: string, more: readonly string[] = [], files: Readonly<Record<string, string>> = {}): Record<string, string> {
  const service = ['  - type: web', `    name: ${name}`, '    runtime: node', '    startCommand: node server.js', '    healthCheckPath: /healthz'];
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
  }

  async open(): Promise<void> {
    await writeFile(this.path, '', { mode: 0o644 });
  }

  /** As a shell waits for it. */
  get wait(): string {
    return `while [ ! -e ${this.path} ]; do sleep 0.05; done`;
  }
}

/** Looks until it finds; answers what it found. */
export async function eventually<T>(what: string, look: () => Promise<T | null | undefined | false> | T | null | undefined | false, seconds = 30): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not seen within ${seconds} s: ${what}`);
    await pause(25);
  }
}

export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly uid: number;
  readonly command: string;
  readonly role: 'daemon' | 'keeper' | 'app' | 'edge' | 'other';
  /** Of keepers and apps. */
  readonly run: string | null;
}

/** Every living process whose environment, cgroup or command names the install or its data folder. */
export function processesOf(kapal: TestKapal): Process[] {
  const install = installOf(kapal);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const found = processOf(Number(name), kapal, install);
      return found === null ? [] : [found];
    });
}

function processOf(pid: number, kapal: TestKapal, install: string | null): Process | null {
  const stat = text(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (stat === '' || fields[0] === 'Z' || fields[0] === 'X' || pid === process.pid) return null;
  const command = text(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
  const mark = install === null ? null : (new RegExp(`(?:^|\0)KAPAL_RUN=${install}\\.([^\0]*)`).exec(text(`/proc/${pid}/environ`))?.[1] ?? null);
  const held = install === null ? null : (new RegExp(`/kapal-${install}/run-(\\S+)`).exec(text(`/proc/${pid}/cgroup`))?.[1] ?? null);
  const keeper = new RegExp(`${kapal.data}/runs/runs/(\\S+)`).exec(command)?.[1] ?? null;
  const isDaemon = command.includes(`main.ts up`) && command.includes(kapal.data);
  if (mark === null && held === null && !command.includes(`${kapal.data}/`) && !isDaemon) return null;
  const role = isDaemon ? 'daemon' : mark !== null || held !== null ? 'app' : keeper !== null ? 'keeper' : command.includes(`${kapal.data}/edge`) ? 'edge' : 'other';
  const uid = Number(/^Uid:\t\d+\t(\d+)/m.exec(text(`/proc/${pid}/status`))?.[1] ?? -1);
  return { pid, parent: Number(fields[1]), uid, command, role, run: mark ?? held ?? keeper };
}

/** The eight characters in names of users and control groups; from a keeper's own words, as the record is SQLite. */
export function installOf(kapal: TestKapal): string | null {
  return /"?install"?[^a-z0-9]{0,4}([a-z0-9]{8})(?![a-z0-9])/.exec('') === null ? installFromRecord(kapal) : null;
}
