import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { DomainDocument } from '../../api/contract/types.ts';
import { launch } from '../../lib/exec.ts';
import { type Command, type Invocation, operand } from '../command.ts';

export const open: Command = {
  operands: [{ name: 'service', description: 'the service', required: true, completes: 'service' }],
  options: [],
  examples: [['open api', 'print its URL, and on a desktop show it in the browser']],
  async run(invocation) {
    const { client, at, out, json } = invocation;
    const service = operand(invocation, 0);
    const [first] = await client.get<readonly DomainDocument[]>(paths.domains(service, at));
    if (first === undefined) {
      throw failure('not_found', `${service} answers at no URL`, {
        hint: 'Only services of type web, static and proxy do.',
      });
    }
    if (json) out.json({ service, url: first.url });
    else out.out.line(first.url);
    if (!json && out.out.terminal) browse(invocation, first.url);
    return 0;
  },
};

/** A browser that cannot be started is no failure: the URL is printed. */
function browse({ host: { env } }: Invocation, url: string): void {
  if ((env['DISPLAY'] ?? env['WAYLAND_DISPLAY'] ?? '') === '') return;
  const child = launch('xdg-open', [url], { env, stdio: 'ignore' });
  child.once('error', () => undefined);
  child.unref();
}
