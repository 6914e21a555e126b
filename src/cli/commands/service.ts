import type { Command } from '../command.ts';
import { daemonOptions, readDaemonOptions } from '../launch/options.ts';

export const install: Command = {
  operands: [],
  options: [...daemonOptions, { flags: '--dry-run', description: 'only print what would be written' }],
  examples: [
    ['service install', 'a systemd unit, or an init script where there is no systemd'],
    ['service install --domain apps.example.com --dry-run', 'see it first'],
  ],
  async run(invocation) {
    const { host, flags, out, say, json } = invocation;
    const dryRun = flags.has('dryRun');
    const installed = await host.installService({ ...readDaemonOptions(invocation), dryRun });
    if (json) out.json(installed);
    else {
      out.out.line(dryRun ? say.wouldInstall(installed.path) : say.installed(installed.path));
      if (dryRun) out.out.line(installed.content.trimEnd());
      for (const note of installed.notes) out.out.line(note);
    }
    return 0;
  },
};
