import { Readable, Writable } from 'node:stream';
import { runCli } from '../../../src/cli/cli.ts';
import type {
  CliHost,
  DaemonOptions,
  ExportRequest,
  ImportRequest,
  ServiceInstallOptions,
} from '../../../src/cli/host.ts';
import { initDeclaration } from '../../../src/daemon/conversion/init.ts';
import { examineSource } from '../../../src/daemon/examine-source.ts';

/** How a command line ended, and what it said. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  readonly root?: boolean;
  /** Both streams are terminals of 80 columns. */
  readonly terminal?: boolean;
  readonly program?: readonly string[];
  /** stdin is a terminal, too. */
  readonly asked?: boolean;
  readonly missingPackages?: readonly string[];
  readonly nginx?: { readonly serves: boolean; readonly detail: string };
  readonly startDaemon?: CliHost['startDaemon'];
}

const importNote = {
  kind: 'warned',
  field: 'apps[0].watch',
  message: 'is left out',
  file: 'pm2.json',
  line: 3,
  column: 5,
} as const;
const exportNote = { kind: 'refused', field: 'api.edge.queue', message: 'nginx has no word for it' } as const;

/** A process of the command line that a test holds in its hand. */
export class Running {
  readonly daemons: DaemonOptions[] = [];
  readonly installs: ServiceInstallOptions[] = [];
  edgeInstalls = 0;
  readonly imports: ImportRequest[] = [];
  readonly exports: ExportRequest[] = [];
  readonly #out = new Collector();
  readonly #err = new Collector();
  readonly #interrupts = new Set<() => void>();
  readonly #surroundings: Surroundings;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  get out(): string {
    return this.#out.text;
  }

  get err(): string {
    return this.#err.text;
  }

  async run(argv: readonly string[]): Promise<Ran> {
    const code = await runCli(argv, this.#host());
    return { code, out: this.out, err: this.err };
  }

  /** SIGINT, as main.ts would pass it on. */
  interrupt(): void {
    for (const handler of this.#interrupts) handler();
  }

  /** Nobody reads stdout any more. */
  closeStdout(): void {
    this.#out.closed = true;
  }

  #host(): CliHost {
    const {
      env = {},
      cwd = '/',
      stdin = '',
      root = false,
      terminal = false,
      asked = false,
      program = [process.execPath, import.meta.filename],
      startDaemon,
    } = this.#surroundings;
    const tty = terminal ? { isTTY: true, columns: 80 } : {};
    return {
      version: '0.1.0',
      stdin: Object.assign(Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]), asked ? { isTTY: true } : {}),
      stdout: Object.assign(this.#out.stream, tty),
      stderr: Object.assign(this.#err.stream, tty),
      env: { PATH: process.env['PATH'], HOME: '/nowhere', ...env },
      cwd,
      root,
      program,
      onInterrupt: (handler) => {
        this.#interrupts.add(handler);
        return { [Symbol.dispose]: () => void this.#interrupts.delete(handler) };
      },
      examineSource,
      initDeclaration,
      startDaemon: async (options) => {
        this.daemons.push(options);
        return startDaemon === undefined ? 0 : startDaemon(options);
      },
      importDeclaration: async (request) => {
        this.imports.push(request);
        return {
          declaration: 'services: []\n',
          notes: [importNote],
          written: request.write === null ? null : `${request.path}/kapal.yaml`,
        };
      },
      exportDeclaration: async (request) => {
        this.exports.push(request);
        return { files: [{ path: 'shop.conf', text: '# shop\n' }], notes: [exportNote], warnings: [], written: [] };
      },
      examineNginx: async () => this.#surroundings.nginx ?? { serves: true, detail: '1.22.1 is here' },
      missingEdgePackages: async () => this.#surroundings.missingPackages ?? [],
      installEdge: async () => {
        this.edgeInstalls += 1;
        return ['nginx 1.22 was installed'];
      },
      installService: async (options) => {
        this.installs.push(options);
        const path = '/etc/systemd/system/kapal.service';
        return { kind: 'systemd', path, content: '[Unit]\n', enabled: true, notes: ['systemctl start kapal'] };
      },
    };
  }
}

/** Runs one command line to its end. */
export function run(argv: readonly string[], surroundings: Surroundings = {}): Promise<Ran> {
  return new Running(surroundings).run(argv);
}

/** Text with every escape character as the sign for it, to match against. */
export function visible(text: string): string {
  return text.replaceAll('\u001b', '␛');
}

class Collector {
  text = '';
  closed = false;
  readonly stream: Writable;

  constructor() {
    this.stream = new Writable({
      write: (piece: Buffer, _encoding, done) => {
        if (this.closed) return done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
        this.text += piece.toString();
        done();
      },
    });
  }
}
