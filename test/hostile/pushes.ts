import { randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { webApp } from '../e2e/apps.ts';
import { Developer, type Pushed } from '../e2e/pushing.ts';
import { Objects } from './objects.ts';
import type { Expected, Group, HostileCase } from './run.ts';
import { hostileTrees } from './trees.ts';
import type { Outcome, Trap, World } from './world.ts';

/** One request of the smart protocol as no client would send it. */
interface Raw {
  readonly path?: string;
  readonly method?: string;
  readonly head?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

const refs: readonly (readonly [what: string, ref: (trap: Trap) => string])[] = [
  ['with a newline', () => 'refs/heads/a\nb'],
  ['that leads out', ({ escaped }) => `refs/heads/../../../../${escaped}`],
  ['that is an option', () => '--upload-pack=touch'],
  ['that is a lock', () => 'refs/heads/x.lock'],
  ['of the folder of hooks', () => 'hooks/post-update'],
  ['of the configuration', () => 'config'],
  ['of alternates', () => 'objects/info/alternates'],
  ['of 1,200 characters', () => `refs/heads/${'a/'.repeat(600)}b`],
];

const paths: readonly (readonly [what: string, path: string])[] = [
  ['its configuration', '/git/toko.git/config'],
  ['its alternates', '/git/toko.git/objects/info/alternates'],
  ['its HEAD', '/git/toko.git/HEAD'],
  ['the key of the vault', '/git/..%2f..%2fkeys%2fvault.git/info/refs?service=git-upload-pack'],
  ['a repository above', '/git/..%2fx.git/info/refs?service=git-receive-pack'],
  ['a repository that is an option', '/git/--help.git/info/refs?service=git-receive-pack'],
  ['a service that git has not', '/git/toko.git/info/refs?service=git-upload-archive'],
  ['a service that is a path', '/git/toko.git/info/refs?service=..%2f..%2fx'],
  ['plain files', '/git/toko.git/info/refs'],
];

export const pushes: Group = {
  door: 'push',
  async prepare(world) {
    const mallory = await Developer.begin(world.kapal, 'toko', 'mallory');
    await mallory.commit('Harmless', webApp('harmless'));
    const { code, said } = await mallory.push();
    if (code !== 0) throw new Error(said);
    const objects = new Objects(mallory.folder);
    const head = objects.git(['rev-parse', 'HEAD']);
    const { stdout } = await world.kapal.run('token');
    const send = (raw: Raw) => ask(mallory.remote, stdout.trim(), raw);
    const command = (ref: string, tip = head) => commandOf(`${'0'.repeat(40)} ${tip} ${ref}\0report-status`);
    const pack = execFileSync('git', ['pack-objects', '--stdout'], { cwd: mallory.folder, input: '' });
    const sound = Buffer.concat([command('refs/heads/raw'), pack]);
    const control = receivedBy(await send({ body: sound }));
    if (control.code !== null) throw new Error(`a sound push was not taken: ${control.said}`);
    return [
      ...hostileTrees
        .filter(({ isLong }) => isLong !== true)
        .map(
          ({ name, expects, commit }): HostileCase => ({
            name,
            expects: expects.flatMap(asPushed),
            send: async (trap) =>
              outcomeOfPush(await mallory.push('--force', 'kapal', `${commit(objects, trap, world)}:refs/heads/main`)),
          }),
        ),
      ...refs.map(
        ([what, ref]): HostileCase => ({
          name: `a ref ${what}`,
          expects: ['refused'],
          send: async (trap) => receivedBy(await send({ body: Buffer.concat([command(ref(trap)), pack]) })),
        }),
      ),
      ...paths.map(
        ([what, path]): HostileCase => ({
          name: `a request for ${what}`,
          expects: ['refused'],
          send: async () => receivedBy(await send({ path, method: 'GET' })),
        }),
      ),
      ...bodies(sound, command('refs/heads/raw')).map(
        ([what, raw]): HostileCase => ({
          name: what,
          expects: ['refused'],
          send: async () => receivedBy(await send(raw)),
        }),
      ),
      ...others(world, mallory),
    ];
  },
};

function bodies(sound: Uint8Array, command: Uint8Array): readonly (readonly [string, Raw])[] {
  const gzip = { 'content-encoding': 'gzip' };
  const count = Buffer.concat([Buffer.from('PACK'), Buffer.from([0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff])]);
  return [
    ['a pack of noise', { body: Buffer.concat([command, randomBytes(10_000)]) }],
    ['a pack that says it has 2^32 objects', { body: Buffer.concat([command, count, randomBytes(100)]) }],
    ['a body that is no gzip and says so', { head: gzip, body: sound }],
    [
      '200 MB of zeros in 200 kB of gzip',
      { head: gzip, body: gzipSync(Buffer.concat([command, Buffer.alloc(200 * 1024 * 1024)])) },
    ],
    ['a line longer than any is', { body: Buffer.concat([Buffer.from('ffff'), Buffer.alloc(65_531, 'x')]) }],
    ['a line whose length is no number', { body: Buffer.from('zzzz0000') }],
    ['a push without the token', { head: { authorization: 'Basic YW55OndhdA==' }, body: sound }],
    [
      'a hook asked by another than git',
      {
        path: '/api/v1/pushes/push-x/pre-receive',
        head: { 'content-type': 'application/x-kapal-push' },
        body: Buffer.from('{"options":[],"quarantine":"../../.."}\n'),
      },
    ],
  ];
}

function others(world: World, mallory: Developer): readonly HostileCase[] {
  const push = async (...words: readonly string[]) => outcomeOfPush(await mallory.push(...words));
  return [
    {
      name: 'a push option that is shell text',
      expects: ['refused'],
      send: ({ command }) => push('-o', `$(${command})`, 'kapal', 'HEAD:refs/heads/main', '--force'),
    },
    {
      name: 'a branch that looks like an option',
      expects: ['taken'],
      send: () => push('kapal', 'HEAD:refs/heads/--exec=touch'),
    },
    {
      name: 'that branch as the one that is deployed',
      expects: ['usage'],
      send: () => world.ask('/repositories/toko', { method: 'PATCH', body: { branch: '--exec=touch' } }),
    },
    {
      name: 'refs that replace objects',
      expects: ['taken'],
      send: () => push('kapal', 'HEAD:refs/replace/1111111111111111111111111111111111111111'),
    },
    {
      name: 'a branch that is no commit',
      expects: ['refused', 'stored'],
      send: async () => push('--force', 'kapal', `${new Objects(mallory.folder).blob('x')}:refs/heads/main`),
    },
    {
      name: 'settings of the pusher',
      expects: ['taken'],
      send: async ({ command }) => {
        for (const key of [
          'filter.evil.smudge',
          'core.fsmonitor',
          'core.sshCommand',
          'uploadpack.packObjectsHook',
          'receive.procReceiveRefs',
        ])
          await mallory.git('config', key, `${command}.mine`);
        return push('--force', '--no-verify', 'kapal', 'HEAD:refs/heads/main');
      },
    },
    {
      name: '1,000 refs at once',
      expects: ['taken'],
      send: () => {
        const lines = Array.from({ length: 1_000 }, (_, at) => `create refs/heads/many/${at} HEAD\n`);
        execFileSync('git', ['update-ref', '--stdin'], { cwd: mallory.folder, input: lines.join('') });
        return push('kapal', 'refs/heads/many/*:refs/heads/many/*');
      },
    },
  ];
}

/** A push of what a deploy refuses is stored, or refused by git itself. */
function asPushed(expected: Expected): readonly Expected[] {
  return expected === 'taken' ? ['taken'] : ['stored', 'refused'];
}

function outcomeOfPush({ code, said }: Pushed): Outcome {
  // A pusher cannot colour what another one reads.
  if (said.includes('\u001b')) return { code: 'an escape of a terminal', said };
  if (code !== 0) return { code: 'refused', said };
  return { code: /deploy failed/.test(said) ? 'stored' : null, said };
}

/** Of an answer in git's protocol: whether it says of a ref that it was taken. */
function receivedBy({ status, text }: { status: number; text: string }): Outcome {
  const took = status < 400 && /^(?:[0-9a-f]{4})*ok /m.test(text);
  const refused = status >= 400 || /ng |unpack (?!ok)|fatal|error/.test(text) || text === '';
  return { code: took ? null : refused ? 'refused' : `status ${status}`, said: text.slice(0, 500) };
}

function commandOf(text: string): Buffer {
  const line = Buffer.from(`${text}\n`);
  return Buffer.concat([Buffer.from((line.length + 4).toString(16).padStart(4, '0')), line, Buffer.from('0000')]);
}

function ask(remote: string, token: string, raw: Raw): Promise<{ status: number; text: string }> {
  const place = new URL(raw.path ?? `${new URL(remote).pathname}/git-receive-pack`, remote);
  const headers = {
    authorization: `Basic ${Buffer.from(`any:${token}`).toString('base64')}`,
    ...(raw.body === undefined ? {} : { 'content-type': 'application/x-git-receive-pack-request' }),
    ...raw.head,
  };
  return new Promise((resolve, reject) => {
    const asking = request(place, { method: raw.method ?? 'POST', headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', reject).on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    // It is answered before it has sent all of itself.
    asking.on('error', (error) => resolve({ status: 499, text: `error: ${error.message}` }));
    asking.end(raw.body);
  });
}
