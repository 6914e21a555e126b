import type { SourceFolder } from '../source-folder.ts';

/** How an application is called: ASGI and WSGI by a server of the user's choice, Dash by the WSGI application in it. */
export type Interface = 'asgi' | 'wsgi' | 'sanic';

/** An application in a file, as servers name it. */
export interface Application {
  readonly file: string;
  /** `app.main`. */
  readonly module: string;
  /** `app`; the name of a function that makes it where `isFactory`. */
  readonly variable: string;
  readonly isFactory: boolean;
  readonly kind: Interface;
  /** The folder from which the module is imported: `.`, or `src`. */
  readonly base: string;
}

const kinds: readonly (readonly [constructor: string, kind: Interface])[] = [
  ['FastAPI', 'asgi'],
  ['Starlette', 'asgi'],
  ['Litestar', 'asgi'],
  ['Quart', 'asgi'],
  ['falcon\\.asgi\\.App', 'asgi'],
  ['get_asgi_application', 'asgi'],
  ['Flask', 'wsgi'],
  ['APIFlask', 'wsgi'],
  ['Eve', 'wsgi'],
  ['Bottle', 'wsgi'],
  ['bottle\\.default_app', 'wsgi'],
  ['default_app', 'wsgi'],
  ['falcon\\.(?:App|API)', 'wsgi'],
  ['get_wsgi_application', 'wsgi'],
  ['Sanic', 'sanic'],
];

/** Names of functions that make an application. */
const factories = 'create_app|make_app|build_app|get_app|create_application|get_application|app_factory';

const names = ['main', 'app', 'wsgi', 'asgi', 'server', 'application', 'run', 'api', 'index', '__init__'];
const places = ['.', 'app', 'src', 'src/app', 'api', 'backend', 'server'];
/** Folders that hold no application. */
const aside =
  /^(?:\.|_|tests?$|docs?$|migrations$|alembic$|node_modules$|v?env$|static$|templates$|scripts$|examples?$)/;
/** Files beside an application that may hold one too. */
const unusual = /^(?:setup|conftest|config|settings|manage|tests?|test_.*|.*_test)\.py$/;
const mostFolders = 60;

/** The application of a project: in files of usual names, then in its packages. One that is there stands before a function that makes one. */
export function findApplication(folder: SourceFolder, usual: Interface): Application | null {
  const files = candidates(folder).map((file) => ({ file, text: folder.read(file) ?? '' }));
  for (const pick of [instanceIn, madeIn, factoryIn]) {
    for (const { file, text } of files) {
      const found = pick(text, { file, usual });
      if (found !== null) return { ...found, file, ...moduleOf(folder, { file, text }) };
    }
  }
  return null;
}

function candidates(folder: SourceFolder): readonly string[] {
  const packages = ['.', 'src']
    .flatMap((place) => folder.list(place).map((name) => (place === '.' ? name : `${place}/${name}`)))
    .filter((path) => isModule(path) && folder.has(`${path}/__init__.py`))
    .slice(0, mostFolders);
  const all = [...new Set([...places, ...packages])];
  const usual = all.flatMap((place) => names.map((name) => (place === '.' ? `${name}.py` : `${place}/${name}.py`)));
  const others = folder.list().filter((name) => /^[A-Za-z_]\w*\.py$/.test(name) && !unusual.test(name));
  return [...new Set([...usual, ...others.slice(0, mostFolders)])].filter(
    (file) => file !== '__init__.py' && folder.has(file) && !isShadowed(folder, file),
  );
}

/** A package of the same name beside it: what imports `app` gets that, never app.py. */
function isShadowed(folder: SourceFolder, file: string): boolean {
  return folder.has(`${file.replace(/\.py$/, '')}/__init__.py`);
}

/** A name that Python can import, and that no other purpose has. */
function isModule(path: string): boolean {
  const name = path.split('/').at(-1) ?? '';
  return /^[A-Za-z_]\w*$/.test(name) && !aside.test(name);
}

type Found = Pick<Application, 'variable' | 'isFactory' | 'kind'>;
interface At {
  readonly file: string;
  /** What the packages of the project say of an application whose file does not. */
  readonly usual: Interface;
}

/** `app = FastAPI(...)` at the left border, with or without a type. */
function instanceIn(text: string): Found | null {
  for (const [constructor, kind] of kinds) {
    const match = new RegExp(`^(\\w+)\\s*(?::\\s*[\\w.]+\\s*)?=\\s*(?:\\w+\\.)*${constructor}\\(`, 'm').exec(text);
    if (match?.[1] !== undefined) return { variable: match[1], isFactory: false, kind };
  }
  const dash = /^(\w+)\s*=\s*(?:dash\.)?Dash\(/m.exec(text)?.[1];
  if (dash === undefined) return null;
  const server = new RegExp(`^(\\w+)\\s*=\\s*${dash}\\.server\\b`, 'm').exec(text)?.[1];
  return { variable: server ?? `${dash}.server`, isFactory: false, kind: 'wsgi' };
}

/** `app = create_app()`, `from shop import app` in a wsgi.py, and the bare functions of PEP 3333 and ASGI. */
function madeIn(text: string, { file, usual }: At): Found | null {
  const made = new RegExp(`^(\\w+)\\s*(?::\\s*[\\w.]+\\s*)?=\\s*(?:\\w+\\.)*(?:${factories})\\(`, 'm').exec(text)?.[1];
  if (made !== undefined) return { variable: made, isFactory: false, kind: usual };
  if (/^async def app\(\s*scope\b/m.test(text)) return { variable: 'app', isFactory: false, kind: 'asgi' };
  const bare = /^def (app|application)\(\s*environ\b/m.exec(text)?.[1];
  if (bare !== undefined) return { variable: bare, isFactory: false, kind: 'wsgi' };
  const entry = /(?:^|\/)(wsgi|asgi)\.py$/.exec(file)?.[1];
  if (entry !== 'wsgi' && entry !== 'asgi') return null;
  const imported = /^from\s+\S+\s+import\s+(?:.*\bas\s+)?(app|application|server)\s*(?:#.*)?$/m.exec(text)?.[1];
  const variable = imported ?? /^(application|app)\s*=/m.exec(text)?.[1];
  return variable === undefined ? null : { variable, isFactory: false, kind: entry };
}

/** A function without parameters that have to be given. */
function factoryIn(text: string, { usual }: At): Found | null {
  const match = new RegExp(`^def (${factories})\\(([^)]*)\\)`, 'm').exec(text);
  const [, name, parameters = ''] = match ?? [];
  const needs = parameters.split(',').filter((one) => one.trim() !== '' && !one.includes('=') && !/^\s*\*/.test(one));
  return name === undefined || needs.length > 0 ? null : { variable: name, isFactory: true, kind: usual };
}

/**
 * A file in a folder is a part of a package (`app.main`), or a program whose folder Python looks in (`main`, from `app`): what it imports tells. In `src`
 * lie packages, and the folder itself is one only where something imports it so.
 */
function moduleOf(
  folder: SourceFolder,
  { file, text }: { readonly file: string; readonly text: string },
): Pick<Application, 'module' | 'base'> {
  const parts = file.replace(/(?:\/__init__)?\.py$/, '').split('/');
  const whole = { module: parts.join('.'), base: '.' };
  const [first = '', ...inner] = parts;
  if (inner.length === 0) return whole;
  const from = { module: inner.join('.'), base: first };
  if (first === 'src' && inner.length > 1 && !importsOf(text).has('src')) return from;
  if (/^\s*from\s+\./m.test(text) && inner.length === 1) return whole;
  const imported = importsOf(text);
  if (imported.has(first)) return whole;
  const siblings = folder.list(first).map((name) => name.replace(/\.py$/, ''));
  if (siblings.some((name) => name !== first && imported.has(name))) return from;
  return first === 'src' && !folder.has('src/__init__.py') ? from : whole;
}

/** The first names of modules that are imported absolutely. */
export function importsOf(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^\s*(?:from|import)\s+(\w+)/gm)].map(([, name = '']) => name));
}

/** A text that opens a port itself when it is run, or holds an application. */
export function answers(text: string): boolean {
  return isServer(text) || instanceIn(text) !== null || madeIn(text, { file: '', usual: 'wsgi' }) !== null;
}

const listening =
  /\b(?:HTTPServer|TCPServer|make_server|start_server|create_server|serve_forever|web\.run_app|uvicorn\.run|HTTPServer\(|app\.listen|socketio\.run|cherrypy\.quickstart)\b|\b(?:app|application)\.run\(|^run\(|\.launch\(/m;

/** A program that listens when it is run: `http.server`, aiohttp, Tornado, Bottle's `run`. */
export function isServer(text: string): boolean {
  return listening.test(text);
}
