import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { serveFiles, serveGit } from '../integration/source-git-server.ts';
import { Objects } from './objects.ts';
import type { Group, HostileCase } from './run.ts';
import { hostileTrees } from './trees.ts';
import { staticSite, type Trap, type World } from './world.ts';

/** What a served repository, or its server, does beside what its commit holds. */
interface HostileRemote {
  readonly name: string;
  readonly expects: HostileCase['expects'];
  /** Arms the bare repository, of which main is an honest site. */
  readonly arm: (folder: string, trap: Trap) => void;
  readonly branch?: string;
}

const honest = (objects: Objects, page = 'x') =>
  objects.commit([
    ['100644', 'index.html', page],
    ['100644', 'kapal.yaml', staticSite('trap')],
  ]);

const armed: readonly HostileRemote[] = [
  {
    name: 'hooks on the server',
    expects: ['taken'],
    arm: (folder, { program }) => {
      for (const hook of ['post-checkout', 'reference-transaction', 'post-merge'])
        write(join(folder, 'hooks', hook), `#!/bin/sh\n${program}\n`);
    },
  },
  {
    name: 'a configuration that names programs',
    expects: ['taken'],
    arm: (folder, { program }) => {
      const config = `[core]\n\tfsmonitor = ${program}\n\tsshCommand = ${program}\n\tgitProxy = ${program}\n[uploadpack]\n\tpackObjectsHook = ${program}\n`;
      write(join(folder, 'config'), `[core]\n\tbare = true\n${config}`);
    },
  },
  {
    name: 'refs that replace objects',
    expects: ['taken'],
    arm: (folder) => {
      const objects = new Objects(folder);
      const [tip, other] = [objects.git(['rev-parse', 'main']), honest(objects, 'replaced')];
      objects.git(['update-ref', `refs/replace/${tip}`, other]);
    },
  },
  {
    name: 'a HEAD that names a branch like an option',
    expects: ['taken', 'source_failed', 'source_refused'],
    arm: (folder, { program }) => {
      const name = `refs/heads/--upload-pack=${program.slice(1)}`;
      new Objects(folder).git(['update-ref', name, 'main']);
      write(join(folder, 'HEAD'), `ref: ${name}\n`);
    },
  },
  {
    name: 'a HEAD that leads out',
    expects: ['source_failed'],
    arm: (folder, { escaped }) => write(join(folder, 'HEAD'), `ref: refs/heads/../../../${escaped}\n`),
  },
  {
    name: 'a tag that is no commit',
    expects: ['source_failed'],
    branch: 'blob',
    arm: (folder) => {
      const objects = new Objects(folder);
      objects.git(['update-ref', 'refs/tags/blob', objects.blob('x')]);
    },
  },
  {
    name: 'alternates that lead elsewhere',
    expects: ['taken', 'source_failed'],
    arm: (folder) => write(join(folder, 'objects', 'info', 'alternates'), '/etc\n../../../../../..\n'),
  },
];

/** Servers that are no git. */
const answers: readonly (readonly [
  name: string,
  answer: (trap: Trap) => { status: number; head: Record<string, string>; body: string },
])[] = [
  ['a redirect to a program', ({ program }) => redirect(`ext::${program}`)],
  ['a redirect to a file', () => redirect('file:///etc/info/refs?service=git-upload-pack')],
  [
    'a redirect to an option of ssh',
    ({ program }) => redirect(`ssh://-oProxyCommand=${program}/info/refs?service=git-upload-pack`),
  ],
  ['a ref that leads out', ({ escaped }) => advertised(`refs/heads/../../../../${escaped}`)],
  ['a ref with a line of its own', ({ program }) => advertised(`refs/heads/main\nextHeader = ${program}`)],
  ['a web page', () => ({ status: 200, head: { 'content-type': 'text/html' }, body: '<html>' })],
  [
    'a question for a password, with a line of its own',
    () => ({ status: 401, head: { 'www-authenticate': 'Basic realm="x", helper="!trap"' }, body: '' }),
  ],
];

export const remotes: Group = {
  door: 'repository of a remote',
  async prepare(world) {
    const root = join(world.cases, 'served');
    mkdirSync(root, { recursive: true });
    const { origin } = await serveGit(world, root);
    const files = await serveFiles(world, root);
    const deploy = (url: string, branch: string | null = null) => world.deploy({ kind: 'git', url, branch });
    let count = 0;
    const make = () => {
      const name = `r${(count += 1)}.git`;
      const folder = join(root, name);
      mkdirSync(folder);
      new Objects(folder).git(['init', '--quiet', '--bare', '--initial-branch=main']);
      return { folder, url: `${origin}/${name}`, plain: `${files}/${name}` };
    };
    return [
      ...hostileTrees.map(
        ({ name, expects, commit }): HostileCase => ({
          name,
          expects,
          send: (trap) => {
            const { folder, url } = make();
            const objects = new Objects(folder);
            objects.git(['update-ref', 'refs/heads/main', commit(objects, trap, world)]);
            return deploy(url);
          },
        }),
      ),
      ...armed.map(
        ({ name, expects, arm, branch }): HostileCase => ({
          name,
          expects,
          send: (trap) => {
            const { folder, url } = make();
            const objects = new Objects(folder);
            objects.git(['update-ref', 'refs/heads/main', honest(objects)]);
            arm(folder, trap);
            return deploy(url, branch);
          },
        }),
      ),
      {
        name: 'plain files, with alternates of other hosts',
        expects: ['source_failed', 'taken'],
        send: ({ program }) => {
          const { folder, plain } = make();
          const objects = new Objects(folder);
          objects.git(['update-ref', 'refs/heads/main', honest(objects)]);
          objects.git(['update-server-info']);
          write(join(folder, 'objects', 'info', 'http-alternates'), `ext::${program}\nfile:///etc/\n`);
          return deploy(plain);
        },
      },
      ...answers.map(
        ([name, answer]): HostileCase => ({
          name,
          expects: ['source_failed', 'source_refused'],
          send: async (trap) => deploy(`${await serveAnswer(world, answer(trap))}/a.git`),
        }),
      ),
    ];
  },
};

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  if (path.includes('/hooks/')) chmodSync(path, 0o755);
}

function redirect(location: string) {
  return { status: 302, head: { location }, body: '' };
}

/** What git's smart protocol begins with (gitprotocol-http(5)), naming one ref. */
function advertised(ref: string) {
  const line = (text: string) => `${(Buffer.byteLength(text) + 4).toString(16).padStart(4, '0')}${text}`;
  const body = `${line('# service=git-upload-pack\n')}0000${line(`${'1'.repeat(40)} ${ref}\0 symref=HEAD:${ref}\n`)}0000`;
  return { status: 200, head: { 'content-type': 'application/x-git-upload-pack-advertisement' }, body };
}

async function serveAnswer(
  world: World,
  { status, head, body }: { status: number; head: Record<string, string>; body: string },
): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status, head).end(body));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  world.after(() => new Promise((resolve) => (server.close(resolve), server.closeAllConnections())));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
