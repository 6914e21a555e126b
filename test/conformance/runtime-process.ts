import { randomBytes } from 'node:crypto';
import { chmod, copyFile, link, mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMissing } from '../../src/lib/files.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type ServiceId, serviceId } from '../../src/model/service.ts';
import type { PortFinder, RunHandle, RunSpec, Runtime } from '../../src/runtime/port.ts';
import { freePort } from '../free-port.ts';
import { until } from '../patience.ts';
import { createProcessRuntime, type ProcessRuntimeOptions } from '../../src/runtime/process/driver.ts';
import type { Program, RuntimeSubject } from './runtime.ts';

const SERVER = `require('node:net').createServer().listen(Number(process.env.PORT), process.env.HOST)`;

const commands: Readonly<Record<Program, string>> = {
  serve: `exec node -e "${SERVER}"`,
  idle: 'exec sleep 600',
  'exit-3': 'exit 3',
  killed: 'kill -9 $$',
  stubborn: `exec node -e "process.on('SIGTERM', () => {}); ${SERVER}"`,
  parent: `node -e "${SERVER}"; echo over`,
  orphan: 'sleep 600 & exit 5',
};

/** A process runtime in a temporary folder, with all that it made removed at the end. */
export class ProcessSubject implements RuntimeSubject {
  readonly folder: string;
  readonly options: ProcessRuntimeOptions;
  readonly runtime: Runtime & PortFinder;
  readonly service = serviceId({ project: 'shop', environment: 'production', service: 'api' });
  readonly #services = new Set<ServiceId>([this.service]);
  #runs = 0;

  private constructor({ folder, options, runtime }: Made) {
    this.folder = folder;
    this.options = options;
    this.runtime = runtime;
  }

  static async make(more: Pick<ProcessRuntimeOptions, 'useCgroups' | 'processLimit'> = {}): Promise<ProcessSubject> {
    const folder = await mkdtemp(join(tmpdir(), 'kapal-runtime-'));
    await chmod(folder, 0o755);
    const toolchain = join(folder, 'toolchain');
    await mkdir(toolchain);
    // The checkout may be closed to the services' users; a link costs nothing where the file system is the same.
    const node = join(toolchain, 'node');
    await link(process.execPath, node).catch(() => copyFile(process.execPath, node));
    const options: ProcessRuntimeOptions = {
      folder: join(folder, 'instances'),
      data: folder,
      install: randomBytes(4).toString('hex'),
      homes: join(folder, 'homes'),
      toolchain,
      clock: systemClock,
      ...more,
    };
    return new ProcessSubject({ folder, options, runtime: await createProcessRuntime(options) });
  }

  /** A service of its own beside `service`; forgotten at the end. */
  another(name: string): ServiceId {
    const id = serviceId({ project: 'shop', environment: 'production', service: name });
    this.#services.add(id);
    return id;
  }

  async spec(program: Program): Promise<RunSpec> {
    return this.shell(commands[program], { port: await freePort() });
  }

  /** A run of shell text, by the service's own environment. */
  async shell(command: string, more: Partial<RunSpec> = {}): Promise<RunSpec> {
    this.#runs += 1;
    const service = more.service ?? this.service;
    const { environment } = await this.runtime.prepare(service);
    const port = more.port ?? null;
    const given = port === null ? {} : { PORT: String(port), HOST: '127.0.0.1' };
    const fixed = { directory: this.folder, memoryLimit: null, niceness: 0, ...more };
    return {
      ...fixed,
      id: more.id ?? `run-${this.#runs}`,
      service,
      command,
      port,
      environment: { ...environment, ...given, ...more.environment },
    };
  }

  reborn(): Promise<Runtime & PortFinder> {
    return createProcessRuntime(this.options);
  }

  async until(what: string, reached: () => Promise<boolean> | boolean): Promise<void> {
    await until(what, reached);
  }

  /** Writes a program where the service's user can read it. */
  async file(name: string, content: string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content, { mode: 0o644 });
    return path;
  }

  /** Changes a file of the driver's own, as a fault would. */
  async rewrite(path: string, change: (text: string) => string): Promise<void> {
    await writeFile(path, change(await readFile(path, 'utf8')));
  }

  async ended(handle: RunHandle): Promise<void> {
    await until(`${handle.id} has ended`, async () => (await this.runtime.observe(handle)).phase === 'exited');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const handle of await this.runtime.inventory()) await this.runtime.dispose(handle);
    for (const service of this.#services) await this.runtime.forget(service);
    for (const controller of ['memory', 'cpuacct', 'pids', '.', 'unified']) {
      await rmdir(join('/sys/fs/cgroup', controller, `kapal-${this.options.install}`)).catch((error: unknown) => {
        // ENOTEMPTY and EBUSY are the leftovers that this looks for.
        if (!isMissing(error)) throw error;
      });
    }
    const left = await readdir(join(this.options.folder, 'records'));
    await rm(this.folder, { recursive: true, force: true });
    if (left.length > 0) throw new Error(`records were left behind: ${left.join(', ')}`);
  }
}

interface Made {
  readonly folder: string;
  readonly options: ProcessRuntimeOptions;
  readonly runtime: Runtime & PortFinder;
}
