import { readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  CliHost,
  DaemonOptions,
  ExaminedSource,
  ExamineOptions,
  ExportedDeclaration,
  ExportRequest,
  ImportedDeclaration,
  ImportRequest,
  InitialDeclaration,
  InitRequest,
  InstalledService,
  ServiceInstallOptions,
} from './cli/host.ts';

/**
 * The entry of daemon and command line. The command line is loaded first and alone: what the daemon needs is loaded when it starts, so that
 * `kapal ps` stays quick.
 */
const checkout = dirname(dirname(fileURLToPath(import.meta.url)));

/** Flaws in Node's HTTP parser and HTTP/2 were mended up to this release. */
const oldestNode = [24, 14, 1] as const;

async function main(): Promise<number> {
  if (isTooOld(process.versions.node)) {
    process.stderr.write(
      `kapal: Node.js ${process.versions.node} has known flaws in its HTTP parser; ${oldestNode.join('.')} or later is needed (node_too_old).\n` +
        'The launcher ./kapal brings its own: run that.\n',
    );
    return 1;
  }
  const { runCli } = await import('./cli/cli.ts');
  return runCli(process.argv.slice(2), host());
}

function isTooOld(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of oldestNode.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part < least;
  }
  return false;
}

function host(): CliHost {
  return {
    version: version(),
    // Opened when it is read: most commands never do.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    root: process.getuid?.() === 0,
    program: [process.execPath, ...process.execArgv, fileURLToPath(import.meta.url)],
    onInterrupt(handler) {
      process.on('SIGINT', handler);
      return { [Symbol.dispose]: () => void process.off('SIGINT', handler) };
    },
    startDaemon: runDaemon,
    examineSource,
    installService,
    examineNginx,
    importDeclaration,
    initDeclaration,
    exportDeclaration,
    missingEdgePackages,
    installEdge,
  };
}

/** Serves until SIGTERM, SIGINT or `kapal down`; instances and edge go on after the first two. */
async function runDaemon(options: DaemonOptions): Promise<number> {
  const { armCrashpoints } = await import('./lib/crashpoint.ts');
  armCrashpoints(process.env);
  const { startDaemon } = await import('./daemon/daemon.ts');
  const daemon = await startDaemon({ ...options, version: version() });
  const asked = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => asked.resolve());
  options.onReady(daemon.facts);
  // Else it would be written at an end in good order only, and a daemon that is killed would compile again at each start.
  flushCompileCache();
  await Promise.race([daemon.ended, asked.promise]);
  await daemon.close();
  return 0;
}

async function examineSource(options: ExamineOptions): Promise<ExaminedSource> {
  const { examineSource: examine } = await import('./daemon/examine-source.ts');
  return examine(options);
}

async function installService(options: ServiceInstallOptions): Promise<InstalledService> {
  const { installAtBoot } = await import('./daemon/install.ts');
  return installAtBoot({ ...options, launcher: join(checkout, 'kapal') });
}

async function examineNginx(): Promise<{ serves: boolean; detail: string }> {
  const { locateNginx } = await import('./edge/nginx/locate.ts');
  const nginx = await locateNginx();
  if (!nginx.found) return { serves: false, detail: nginx.why };
  return { serves: true, detail: `${nginx.version} with its Lua module is at ${nginx.program}` };
}

async function importDeclaration(request: ImportRequest): Promise<ImportedDeclaration> {
  const { importDeclaration: convert } = await import('./daemon/conversion/convert.ts');
  return convert(request);
}

async function initDeclaration(request: InitRequest): Promise<InitialDeclaration> {
  const { initDeclaration: guess } = await import('./daemon/conversion/init.ts');
  return guess(request);
}

async function exportDeclaration(request: ExportRequest): Promise<ExportedDeclaration> {
  const { exportDeclaration: convert } = await import('./daemon/conversion/convert.ts');
  return convert(request);
}

/** A machine that has what is needed from elsewhere lacks nothing. */
async function missingEdgePackages(): Promise<readonly string[]> {
  const { locateNginx } = await import('./edge/nginx/locate.ts');
  if ((await locateNginx()).found) return [];
  const { missingPackages } = await import('./edge/nginx/install.ts');
  return missingPackages();
}

async function installEdge(): Promise<readonly string[]> {
  const { installPackages } = await import('./edge/nginx/install.ts');
  return installPackages();
}

function version(): string {
  const text: unknown = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8'));
  return typeof text === 'object' && text !== null && 'version' in text && typeof text.version === 'string'
    ? text.version
    : '0.0.0';
}

/** Nothing may keep the process once the answer is out: a helper process may still hold a pipe. */
process.exit(await main());
