import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../lib/exec.ts';

/** nginx with all that the engine needs of it. */
export interface FoundNginx {
  readonly found: true;
  /** Absolute. */
  readonly program: string;
  /** `1.22.1` */
  readonly version: string;
  /** Modules to load, in this order; none where Lua is built in (OpenResty). */
  readonly modules: readonly string[];
  /** Patterns for `lua_package_path` and `lua_package_cpath`. */
  readonly luaPath: readonly string[];
  readonly luaCPath: readonly string[];
}

export interface MissingNginx {
  readonly found: false;
  /** What is not there, in a sentence. */
  readonly why: string;
}

/** Where to look: absolute folders and files. */
export interface NginxPlaces {
  readonly programs: readonly string[];
  readonly luaFolders: readonly string[];
  readonly luaCFolders: readonly string[];
}

const architectures = ['x86_64-linux-gnu', 'aarch64-linux-gnu'];

/** Debian, Ubuntu and Alpine first, then Red Hat's folders, then OpenResty and what was built by hand. */
export const usualPlaces: NginxPlaces = {
  programs: [
    '/usr/sbin/nginx',
    '/usr/bin/nginx',
    '/usr/local/sbin/nginx',
    '/usr/local/nginx/sbin/nginx',
    '/usr/local/openresty/nginx/sbin/nginx',
  ],
  luaFolders: [
    '/usr/share/lua/5.1',
    '/usr/local/share/lua/5.1',
    '/usr/share/lua/common',
    '/usr/share/nginx/lua/lib',
    '/usr/local/openresty/lualib',
  ],
  luaCFolders: [
    ...architectures.map((name) => `/usr/lib/${name}/lua/5.1`),
    '/usr/lib64/lua/5.1',
    '/usr/lib/lua/5.1',
    '/usr/local/lib/lua/5.1',
    '/usr/local/openresty/lualib',
  ],
};

/** Finds nginx, its Lua module and the Lua libraries, by their files and by what `nginx -V` tells. Runs nothing else. */
export async function locateNginx(places: NginxPlaces = usualPlaces): Promise<FoundNginx | MissingNginx> {
  const program = await firstOf(places.programs);
  if (program === null) return missing('nginx is not installed');
  const built = await exec(program, ['-V'], { timeout: 10_000 });
  if (!built.ok) return missing(`${program} does not run`);
  const version = /nginx version: \S+\/([\d.]+)/.exec(built.stderr)?.[1] ?? '';
  const modules = await luaModules(built.stderr);
  if (modules === null) return missing(`nginx ${version} at ${program} has no Lua module`);
  if (!built.stderr.includes('--with-http_ssl_module')) return missing(`${program} was built without TLS`);
  const resty = await foldersWith(places.luaFolders, 'resty/core.lua');
  if (resty.length === 0) return missing('the Lua library lua-resty-core is not installed');
  const cache = await foldersWith(places.luaFolders, 'resty/lrucache.lua');
  if (cache.length === 0) return missing('the Lua library lua-resty-lrucache is not installed');
  const cjson = await foldersWith(places.luaCFolders, 'cjson.so');
  if (cjson.length === 0) return missing('the Lua library lua-cjson is not installed');
  const luaPath = [...new Set([...resty, ...cache])].map((folder) => join(folder, '?.lua'));
  return { found: true, program, version, modules, luaPath, luaCPath: cjson.map((folder) => join(folder, '?.so')) };
}

function missing(why: string): MissingNginx {
  return { found: false, why };
}

/** Paths of the modules, none where Lua is built in, `null` where there is no Lua at all. */
async function luaModules(built: string): Promise<readonly string[] | null> {
  if (/--add-module=\S*(?:lua-nginx-module|ngx_lua)/.test(built)) return [];
  const prefix = argument(built, 'prefix') ?? '/usr/local/nginx';
  const folders = [
    argument(built, 'modules-path') ?? join(prefix, 'modules'),
    '/usr/lib/nginx/modules',
    '/usr/lib64/nginx/modules',
    '/usr/share/nginx/modules',
  ];
  for (const folder of folders) {
    const names = await namesIn(folder);
    if (!names.includes('ngx_http_lua_module.so')) continue;
    const kit = names.includes('ndk_http_module.so') ? ['ndk_http_module.so'] : [];
    return [...kit, 'ngx_http_lua_module.so'].map((name) => join(folder, name));
  }
  return null;
}

function argument(built: string, name: string): string | null {
  return new RegExp(`--${name}=(\\S+)`).exec(built)?.[1] ?? null;
}

async function firstOf(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) if (await isThere(path)) return path;
  return null;
}

async function foldersWith(folders: readonly string[], file: string): Promise<string[]> {
  const there = await Promise.all(folders.map((folder) => isThere(join(folder, file))));
  return folders.filter((_, index) => there[index] === true).slice(0, 1);
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}
