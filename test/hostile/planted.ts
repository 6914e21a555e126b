import type { RawEntry } from '../integration/source-tar.ts';
import type { Group } from './run.ts';
import { deployTree } from './upload.ts';

/** Holes made on purpose, through the same door: what a build may do as it is declared, and a hostile input must not. */
export const planted: Group = {
  door: 'planted holes',
  prepare: async (world) => [
    {
      name: 'a command that runs',
      expects: ['taken'],
      send: ({ command }) => deployTree(world, built(command)),
    },
    {
      name: 'a file in a folder that anybody may write to',
      expects: ['taken'],
      send: () => deployTree(world, built(`echo x > ${world.open}/planted`)),
    },
    {
      name: 'a file with the name of one that escaped',
      expects: ['taken'],
      send: ({ escaped }) => deployTree(world, built(`echo x > "$HOME/${escaped}"`)),
    },
  ],
};

/** The names of the planted holes that would not have been noticed. */
export function unnoticed(
  verdicts: readonly { name: string; files: readonly string[]; commands: readonly string[] }[],
): string[] {
  return verdicts.filter(({ files, commands }) => files.length + commands.length === 0).map(({ name }) => name);
}

function built(buildCommand: string): RawEntry[] {
  const service = { type: 'static', name: 'trap', buildCommand, staticPublishPath: '.' };
  return [
    { name: 'index.html', content: buildCommand },
    { name: 'kapal.yaml', content: JSON.stringify({ services: [service] }) },
  ];
}
