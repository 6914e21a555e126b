import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createNginxEdge, type NginxEdgeOptions } from '../../src/edge/nginx/driver.ts';
import type { Edge } from '../../src/edge/port.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { freePort } from '../free-port.ts';

// The machine's authorities as a folder, as they usually are: one file of them nginx reads anew for each place that verifies, a third of a second of processor
// for each start. Tests of the file name it themselves.
delete process.env['SSL_CERT_FILE'];

/** A folder and free ports for one nginx edge, and its certain end. The folder's name has a blank: paths are quoted everywhere or nowhere. */
export class NginxGround implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'kapal-nginx-'));
  readonly port: number;
  readonly httpsPort: number;
  readonly notes: string[] = [];

  private constructor(port: number, httpsPort: number) {
    this.port = port;
    this.httpsPort = httpsPort;
  }

  static async make(): Promise<NginxGround> {
    return new NginxGround(await freePort(), await freePort());
  }

  get folder(): string {
    return join(this.root, 'the edge');
  }

  get options(): NginxEdgeOptions {
    return {
      folder: this.folder,
      http: { host: '127.0.0.1', port: this.port },
      https: { host: '127.0.0.1', port: this.httpsPort },
      workers: 2,
      account: null,
      clock: systemClock,
      note: (text) => this.notes.push(text),
    };
  }

  edge(changed: Partial<NginxEdgeOptions> = {}): Edge {
    return createNginxEdge({ ...this.options, ...changed });
  }

  /** Lets other users pass through. */
  open(): void {
    chmodSync(this.root, 0o755);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.edge().stop(0);
    const left = processesIn(this.folder);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`processes were left: ${left.join(', ')}`);
  }
}

/** Pids of living processes whose working folder this is: master and workers of its edge, and nobody else. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => workingFolderOf(pid) === folder);
}

/** The pid of the master, as its file says. */
export function masterPid(folder: string): number {
  return Number(readFileSync(join(folder, 'nginx.pid'), 'utf8'));
}

/** What nginx complains of in its log: what it does by the way (starts, ends, reloads) is a notice. */
export function complaintsOf(folder: string): string[] {
  const lines = readFileSync(join(folder, 'log', 'error.log'), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.includes(' [notice] '));
}

function workingFolderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
