import { join } from 'node:path';
import { logFile } from '../../api/contract/places.ts';
import type { Command, Invocation } from '../command.ts';
import { daemonOptions, readDaemonOptions } from '../launch/options.ts';
import type { DaemonFacts } from '../host.ts';

export const up: Command = {
  operands: [],
  options: [...daemonOptions, { flags: '--detach', description: 'return when it is ready, and leave it running' }],
  examples: [
    ['up', 'run the daemon in the foreground; the process that was started is the daemon'],
    [
      'up --detach --http 8080 --domain apps.example.com',
      'in the background; services answer at NAME.apps.example.com:8080',
    ],
    ['up --acme-email you@example.com', 'with certificates of Let’s Encrypt for public domains'],
    ['up --data ~/kapal', 'with another data folder; the other commands take the same --data, or KAPAL_DATA'],
  ],
  async run(invocation) {
    const options = readDaemonOptions(invocation);
    if (!invocation.flags.has('detach')) {
      return invocation.host.startDaemon({ ...options, onReady: (facts) => print(invocation, facts) });
    }
    const { startDetached } = await import('../launch/detach.ts');
    print(invocation, await startDetached(invocation, options));
    if (!invocation.json) invocation.out.out.line(invocation.say.detached(join(options.data, logFile)));
    return 0;
  },
};

function print({ out, say, json }: Invocation, facts: DaemonFacts): void {
  if (json) return out.json(facts);
  out.out.line(out.out.paint('bold', say.daemonReady(facts.pid)));
  for (const line of say.daemonPlaces(facts)) out.out.line(line);
  for (const note of facts.notes) out.err.line(`${out.err.paint('yellow', say.warning)}: ${note}`);
}
