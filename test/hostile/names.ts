import type { Group } from './run.ts';
import type { Trap } from './world.ts';

/** Names of services, projects and variables that would be paths, options or shell text. */
const names: readonly ((trap: Trap) => string)[] = [
  ({ escaped }) => `../${escaped}`,
  ({ escaped }) => `..%2f${escaped}`,
  ({ command }) => `$(${command})`,
  () => '-rf',
  () => 'a\nb',
  () => '__proto__',
];

const asked: Trap = { program: 'PROGRAM', command: 'COMMAND', escaped: 'escaped' };
const refused = ['usage', 'name_invalid', 'not_found', 'declaration_invalid'] as const;
const none = { kind: 'folder', digest: `sha256-${'0'.repeat(64)}`, name: 'x', git: null };

export const givenNames: Group = {
  door: 'names in calls of the API',
  prepare: async (world) =>
    names.flatMap((name) => {
      const shown = JSON.stringify(name(asked));
      const there = (trap: Trap) => encodeURIComponent(name(trap));
      return [
        {
          name: `project ${shown} of a deploy`,
          expects: refused,
          send: (trap: Trap) => world.deploy(none, { project: name(trap) }),
        },
        {
          name: `environment ${shown} of a deploy`,
          expects: refused,
          send: (trap: Trap) => world.deploy(none, { environment: name(trap) }),
        },
        {
          name: `service ${shown} of a variable`,
          expects: refused,
          send: (trap: Trap) =>
            world.ask(`/services/${there(trap)}/variables?environment=production`, {
              method: 'PATCH',
              body: { changes: { KEY: 'value' } },
            }),
        },
        {
          name: `project ${shown} that is removed`,
          expects: refused,
          send: (trap: Trap) => world.ask(`/projects/${there(trap)}?withDisks=true`, { method: 'DELETE' }),
        },
      ];
    }),
};
