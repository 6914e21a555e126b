import type { Command } from './command.ts';

/** A command as the overview shows it. Its module is loaded when it is invoked, so that a quick command stays quick. */
export interface ListedCommand {
  /** `deploy`, or a group and its word: `env set`. */
  readonly name: string;
  readonly summary: string;
  /** The group alone means this one of its words. */
  readonly bare?: true;
  readonly load: () => Promise<Command>;
}

export interface CommandGroup {
  readonly title: string;
  readonly commands: readonly ListedCommand[];
}

export const commandGroups: readonly CommandGroup[] = [
  {
    title: 'The daemon',
    commands: [
      {
        name: 'up',
        summary: 'Run the daemon on this machine',
        load: async () => (await import('./commands/up.ts')).up,
      },
      {
        name: 'down',
        summary: 'End the daemon, and with --apps all that it runs',
        load: async () => (await import('./commands/down.ts')).down,
      },
      {
        name: 'demo',
        summary: 'See the main job done, from nothing, on this machine',
        load: async () => (await import('./commands/demo.ts')).demo,
      },
      {
        name: 'doctor',
        summary: 'Check what Kapal needs on this machine',
        load: async () => (await import('./commands/doctor.ts')).doctor,
      },
      {
        name: 'service install',
        summary: 'Start the daemon at boot',
        load: async () => (await import('./commands/service.ts')).install,
      },
      {
        name: 'token',
        summary: 'Print the token of the API over TCP',
        load: async () => (await import('./commands/token.ts')).token,
      },
    ],
  },
  {
    title: 'Deploying',
    commands: [
      {
        name: 'detect',
        summary: 'Say what was found in a folder, and what would be built and run',
        load: async () => (await import('./commands/detect.ts')).detect,
      },
      {
        name: 'init',
        summary: 'Write the kapal.yaml that a folder does without',
        load: async () => (await import('./commands/init.ts')).init,
      },
      {
        name: 'deploy',
        summary: 'Build a folder or a repository, and move the traffic to it',
        load: async () => (await import('./commands/deploy.ts')).deploy,
      },
      {
        name: 'git url',
        summary: 'Print the remote that git push deploys to',
        load: async () => (await import('./commands/git.ts')).url,
      },
      {
        name: 'git set',
        summary: 'Choose the branch that pushes deploy, and what a failed deploy does to a push',
        load: async () => (await import('./commands/git.ts')).set,
      },
      {
        name: 'git list',
        summary: 'List the projects that are pushed to',
        load: async () => (await import('./commands/git.ts')).list,
      },
      {
        name: 'hook add',
        summary: 'Deploy the pushes of a remote, told by its provider or seen by looking',
        load: async () => (await import('./commands/hook.ts')).add,
      },
      {
        name: 'hook list',
        summary: 'List the remotes whose pushes are deployed',
        load: async () => (await import('./commands/hook.ts')).list,
      },
      {
        name: 'hook remove',
        summary: 'Deploy the pushes of a remote no longer',
        load: async () => (await import('./commands/hook.ts')).remove,
      },
      {
        name: 'plan',
        summary: 'Show what a deploy would change, and why',
        load: async () => (await import('./commands/plan.ts')).plan,
      },
      {
        name: 'import',
        summary: 'Write a kapal.yaml from the declaration of another tool',
        load: async () => (await import('./commands/import.ts')).importCommand,
      },
      {
        name: 'export',
        summary: 'Write the declaration for another tool',
        load: async () => (await import('./commands/export.ts')).exportCommand,
      },
      {
        name: 'cancel',
        summary: 'Cancel what is in flight for a service',
        load: async () => (await import('./commands/cancel.ts')).cancel,
      },
      {
        name: 'rollback',
        summary: 'Go back to an earlier release, without a build',
        load: async () => (await import('./commands/rollback.ts')).rollback,
      },
      {
        name: 'releases',
        summary: 'List the releases of a service',
        load: async () => (await import('./commands/releases.ts')).releases,
      },
    ],
  },
  {
    title: 'What runs',
    commands: [
      {
        name: 'ps',
        summary: 'Show services and their instances',
        load: async () => (await import('./commands/ps.ts')).ps,
      },
      {
        name: 'logs',
        summary: 'Show what a service printed',
        load: async () => (await import('./commands/logs.ts')).logs,
      },
      {
        name: 'events',
        summary: 'Show what happened',
        load: async () => (await import('./commands/events.ts')).events,
      },
      {
        name: 'open',
        summary: 'Print the URL of a service, and open it',
        load: async () => (await import('./commands/open.ts')).open,
      },
      {
        name: 'restart',
        summary: 'Replace every instance by a fresh one',
        load: async () => (await import('./commands/restart.ts')).restart,
      },
      { name: 'stop', summary: 'Stop a service', load: async () => (await import('./commands/stop.ts')).stop },
      {
        name: 'start',
        summary: 'Start a stopped service',
        load: async () => (await import('./commands/start.ts')).start,
      },
      {
        name: 'scale',
        summary: 'Change the number of instances',
        load: async () => (await import('./commands/scale.ts')).scale,
      },
      {
        name: 'disk list',
        summary: 'List the disks of services, and what is on them',
        load: async () => (await import('./commands/disk.ts')).list,
      },
      {
        name: 'disk remove',
        summary: 'Delete a disk that no service has any more',
        load: async () => (await import('./commands/disk.ts')).remove,
      },
      {
        name: 'gc',
        summary: 'Delete what no release needs any more',
        load: async () => (await import('./commands/gc.ts')).gc,
      },
      {
        name: 'run',
        summary: 'Run a command in the current release of a service',
        load: async () => (await import('./commands/run.ts')).run,
      },
      {
        name: 'jobs list',
        summary: 'Show schedules and what ran: kapal jobs [SERVICE]',
        bare: true,
        load: async () => (await import('./commands/jobs.ts')).list,
      },
      {
        name: 'jobs run',
        summary: 'Run a cron now',
        load: async () => (await import('./commands/jobs.ts')).run,
      },
      {
        name: 'jobs stop',
        summary: 'Tell a job to end',
        load: async () => (await import('./commands/jobs.ts')).stop,
      },
      {
        name: 'project remove',
        summary: 'Stop and forget a whole project',
        load: async () => (await import('./commands/project.ts')).remove,
      },
    ],
  },
  {
    title: 'Configuration',
    commands: [
      {
        name: 'env list',
        summary: 'List the variables of a service',
        load: async () => (await import('./commands/env.ts')).list,
      },
      {
        name: 'env set',
        summary: 'Set variables of a service',
        load: async () => (await import('./commands/env.ts')).set,
      },
      {
        name: 'env unset',
        summary: 'Remove variables of a service',
        load: async () => (await import('./commands/env.ts')).unset,
      },
      {
        name: 'domain list',
        summary: 'List the host names of a service and their certificates',
        load: async () => (await import('./commands/domain.ts')).list,
      },
      {
        name: 'domain add',
        summary: 'Let a service answer at a host name, with a certificate',
        load: async () => (await import('./commands/domain.ts')).add,
      },
      {
        name: 'domain check',
        summary: 'Look at what a host name needs: DNS, ports, CAA, certificate, clock',
        load: async () => (await import('./commands/domain.ts')).check,
      },
      {
        name: 'domain remove',
        summary: 'Take a host name from a service',
        load: async () => (await import('./commands/domain.ts')).remove,
      },
      {
        name: 'edge config',
        summary: 'Print the configuration that the edge runs',
        load: async () => (await import('./commands/edge.ts')).config,
      },
      {
        name: 'edge check',
        summary: 'Say whether the next configuration is sound',
        load: async () => (await import('./commands/edge.ts')).check,
      },
      {
        name: 'edge install',
        summary: 'Install nginx and its Lua module, the engine for production',
        load: async () => (await import('./commands/edge.ts')).install,
      },
    ],
  },
  {
    title: 'This command line',
    commands: [
      { name: 'help', summary: 'Explain a command', load: async () => (await import('./commands/help.ts')).help },
      {
        name: 'completion',
        summary: 'Print a completion script for a shell',
        load: async () => (await import('./commands/completion.ts')).completion,
      },
    ],
  },
];

export const allCommands: readonly ListedCommand[] = commandGroups.flatMap(({ commands }) => commands);

/** Commands of later versions: refused by name, so that nobody wonders about a misspelling. */
export const laterCommands: readonly string[] = ['backup', 'db', 'login', 'metrics'];

/** First words that are followed by a second one: `env`, `domain` ... */
export function isGroup(word: string): boolean {
  return allCommands.some(({ name }) => name.startsWith(`${word} `));
}

export function membersOf(group: string): readonly ListedCommand[] {
  return allCommands.filter(({ name }) => name.startsWith(`${group} `));
}
