import type { Package } from './package-json.ts';

interface BuiltServer {
  readonly dependency: string;
  readonly start: string;
}

/** Frameworks whose build makes a server, and what starts it, as their manuals say it, where no script does. */
const servers: readonly BuiltServer[] = [
  { dependency: 'nuxt', start: 'node .output/server/index.mjs' },
  { dependency: '@sveltejs/adapter-node', start: 'node build' },
  { dependency: '@astrojs/node', start: 'node ./dist/server/entry.mjs' },
  { dependency: '@solidjs/start', start: 'node .output/server/index.mjs' },
  { dependency: '@react-router/serve', start: 'npx react-router-serve ./build/server/index.js' },
  { dependency: 'next', start: 'npx next start' },
  { dependency: '@nestjs/core', start: 'node dist/main' },
];

/** A start script of these is for people at work on the code. */
const work =
  /^(?:\S+=\S*\s+|cross-env\s+|npx\s+)*(?:nuxt|nuxi|next|astro|vite|svelte-kit|react-router|vinxi)(?:\s+dev\b|\s*$)|\bnest start\b/;

/** The framework and its start, where the package is built and no script starts what was built. */
export function builtServer({ scripts, dependencies }: Package): BuiltServer | null {
  const start = scripts.get('start');
  if (!scripts.has('build') || (start !== undefined && !work.test(start.trim()))) return null;
  return servers.find(({ dependency }) => dependencies.has(dependency)) ?? null;
}
