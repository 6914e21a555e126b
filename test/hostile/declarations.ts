import type { ErrorCode } from '../../src/model/errors.ts';
import type { RawEntry } from '../integration/source-tar.ts';
import type { Group } from './run.ts';
import { deployTree } from './upload.ts';
import { staticSite, type Trap, type World } from './world.ts';

/** A folder whose files mean harm by what they say. Commands that are declared as such are no harm: they are what a service's own user may do. */
interface Declared {
  readonly name: string;
  readonly files: (trap: Trap, world: World) => readonly RawEntry[];
  readonly expects: readonly (ErrorCode | 'taken')[];
}

const REFUSED = ['declaration_invalid', 'name_invalid', 'not_supported', 'mount_refused'] as const;
const page: RawEntry = { name: 'index.html', content: 'x' };
const yaml = (content: string): RawEntry => ({ name: 'kapal.yaml', content });
const site = (fields: object) => ({ type: 'static', name: 'trap', staticPublishPath: '.', ...fields });
const web = (fields: object) => ({
  type: 'web',
  name: 'trap-web',
  runtime: 'node',
  buildCommand: 'true',
  startCommand: 'node server.js',
  ...fields,
});
const services = (...list: readonly object[]) => yaml(JSON.stringify({ services: list }));
const server: RawEntry = {
  name: 'server.js',
  content: 'require("http").createServer((_, answer) => answer.end("x")).listen(process.env.PORT, process.env.HOST)',
};

/** One field of a service holds what it must not. */
function field(name: string, fields: (trap: Trap) => object, expects: Declared['expects'] = REFUSED): Declared {
  return { name, expects, files: (trap) => [services(site(fields(trap))), page] };
}

const fields: readonly Declared[] = [
  field('a name that is a path', () => ({ name: '../../keys' }), [...REFUSED, 'taken']),
  field('a name that is shell text', ({ command }) => ({ name: `$(${command})` }), [...REFUSED, 'taken']),
  field('a name that is an option', () => ({ name: '-rf' }), [...REFUSED, 'taken']),
  field('rootDir that leads out', () => ({ rootDir: '../../..' })),
  field('rootDir that is absolute', () => ({ rootDir: '/etc' })),
  field('rootDir that is shell text', ({ command }) => ({ rootDir: `$(${command})` }), [...REFUSED, 'build_failed']),
  field('staticPublishPath that leads out', () => ({ staticPublishPath: '../../../../keys' })),
  field('staticPublishPath that is absolute', () => ({ staticPublishPath: '/etc' })),
  field('a domain that ends a line of nginx', ({ command }) => ({
    domains: [`x.example;\nlua_block { os.execute("${command}") }`],
  })),
  field('a domain that is a path', ({ escaped }) => ({ domains: [`../../${escaped}`] })),
  field('a domain that is an option', () => ({ domains: ['-oProxyCommand=x'] })),
  field('a header that ends its line', () => ({
    headers: [{ path: '/*', name: 'X-A', value: 'x\r\nSet-Cookie: a=b' }],
  })),
  field('a header whose name ends its line', () => ({ headers: [{ path: '/*', name: 'X-A: b\r\nX', value: 'x' }] })),
  field('a redirect that ends its line', () => ({
    routes: [{ type: 'redirect', source: '/a', destination: '/b\r\nX-A: b' }],
  })),
  field('a variable whose name is an assignment', ({ program }) => ({
    envVars: [{ key: `A=B\nLD_PRELOAD=${program}`, value: 'x' }],
  })),
  field('a variable with a NUL', () => ({ envVars: [{ key: 'A', value: 'x\0LD_PRELOAD=/tmp/x' }] })),
  field('globs without end', () => ({ buildFilter: { paths: ['**/'.repeat(5_000)] } }), [...REFUSED, 'taken']),
  field(
    'a field named __proto__',
    () => JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": {"prototype": {}}}') as object,
  ),
];

const programs: readonly Declared[] = [
  {
    name: 'a disk over /etc',
    files: () => [services(web({ disk: { name: 'd', mountPath: '/etc', sizeGB: 1 } })), server],
    expects: REFUSED,
  },
  {
    name: 'a disk that leads out',
    files: ({ escaped }) => [
      services(web({ disk: { name: `../../${escaped}`, mountPath: '../..', sizeGB: 1 } })),
      server,
    ],
    expects: REFUSED,
  },
  {
    name: 'a schedule that is shell text',
    files: ({ command }) => [
      services({
        type: 'cron',
        name: 'trap',
        runtime: 'node',
        schedule: `* * * * *; ${command}`,
        startCommand: 'true',
      }),
    ],
    expects: REFUSED,
  },
  {
    name: 'a health check with a line of its own',
    files: () => [services(web({ healthCheckPath: '/x HTTP/1.1\r\nX-A: b' })), server],
    expects: REFUSED,
  },
  {
    name: 'an upstream that is no address',
    files: ({ command }) => [
      services({ type: 'proxy', name: 'trap', upstreams: [{ address: `127.0.0.1:80;$(${command})` }] }),
    ],
    expects: REFUSED,
  },
  {
    name: 'engines.node and packageManager that are shell text',
    files: ({ command }) => [
      services(web({})),
      server,
      {
        name: 'package.json',
        content: JSON.stringify({
          name: `$(${command})`,
          engines: { node: `>=20; ${command}` },
          packageManager: `npm@$(${command})`,
          bin: { npm: `../../../x` },
        }),
      },
    ],
    expects: [...REFUSED, 'toolchain_missing', 'build_failed', 'taken'],
  },
  {
    name: '.node-version that is shell text',
    files: ({ command }) => [services(web({})), server, { name: '.node-version', content: `$(${command})\n` }],
    expects: [...REFUSED, 'toolchain_missing', 'build_failed', 'taken'],
  },
  {
    name: 'package.json with hooks, that declares no build',
    files: ({ command }) => [
      services(site({})),
      page,
      { name: 'package.json', content: JSON.stringify({ scripts: { preinstall: command, prepare: command } }) },
      { name: '.npmrc', content: `script-shell=/bin/sh\nnode-options=--require /tmp/x\n` },
    ],
    expects: ['taken'],
  },
  {
    name: 'a Procfile whose process is named by a path',
    files: ({ escaped }) => [{ name: 'Procfile', content: `../../${escaped}: true\n` }, server],
    expects: [...REFUSED, 'nothing_to_deploy'],
  },
  {
    name: 'a Procfile whose process is named by shell text',
    files: ({ command }) => [{ name: 'Procfile', content: `$(${command}): true\n` }, server],
    expects: [...REFUSED, 'nothing_to_deploy'],
  },
];

const texts: readonly Declared[] = [
  ['aliases that multiply', bomb(), REFUSED],
  ['folders of lists without end', `services: ${'['.repeat(20_000)}`, REFUSED],
  ['maps without end', `services: ${'{a: '.repeat(20_000)}`, REFUSED],
  ['a tag that makes an object of a program', 'services: !!js/function "function(){}"\n', REFUSED],
  ['a tag of another language', 'services: !!python/object/apply:os.system ["true"]\n', REFUSED],
  ['a merge of __proto__', 'a: &a {__proto__: {x: 1}}\nservices: [{<<: *a, type: static, name: trap}]\n', REFUSED],
  ['an include', 'services: !include /etc/passwd\n', REFUSED],
  [
    '2 MB of one name',
    `services: [{type: static, name: ${'a'.repeat(2_000_000)}}]\n`,
    [...REFUSED, 'nothing_to_deploy', 'taken'],
  ],
  ['a project that is a path', 'project: ../../x\nservices: [{type: static, name: trap}]\n', [...REFUSED, 'taken']],
  ['escapes of a terminal', 'services: [{type: "\\e[31mweb\\e]0;x\\a", name: trap}]\n', REFUSED],
].map(
  ([name, text, expects]): Declared => ({
    name: String(name),
    files: () => [yaml(String(text)), page],
    expects: expects as Declared['expects'],
  }),
);

const trees: readonly Declared[] = [
  {
    name: 'rootDir that is a link inside',
    files: () => [
      services(site({ rootDir: 'link' })),
      { name: 'link', type: '2', target: 'real' },
      { name: 'real/index.html', content: 'x' },
    ],
    expects: ['taken', ...REFUSED, 'build_failed'],
  },
  {
    name: 'rootDir that is a link out',
    files: (_trap, world) => [services(site({ rootDir: 'link' })), { name: 'link', type: '2', target: world.open }],
    expects: ['source_refused'],
  },
  {
    name: 'rootDir that is a file',
    files: () => [services(site({ rootDir: 'index.html' })), page],
    expects: [...REFUSED, 'build_failed'],
  },
  {
    name: 'kapal.yaml that is a link out',
    files: () => [{ name: 'kapal.yaml', type: '2', target: '/etc/passwd' }, page],
    expects: ['source_refused'],
  },
  {
    name: 'an environment file that leads out',
    files: () => [
      { name: 'kapal.yaml', content: staticSite('trap') },
      page,
      { name: '.env', type: '2', target: '../../keys/api-token' },
    ],
    expects: ['source_refused'],
  },
];

export const declarations: Group = {
  door: 'declaration in a folder',
  prepare: async (world) =>
    [...fields, ...programs, ...texts, ...trees].map(({ name, files, expects }) => ({
      name,
      expects,
      send: (trap) => deployTree(world, files(trap, world)),
    })),
};

/** "Billion laughs": nine lists, each of nine times the one before. */
function bomb(): string {
  const lists = Array.from({ length: 9 }, (_, at) => `l${at + 1}: &l${at + 1} [${`*l${at}, `.repeat(9)}]\n`);
  return `l0: &l0 x\n${lists.join('')}services: *l9\n`;
}
