import { z } from 'zod';
import { readIfThere } from '../../lib/files.ts';
import { isName } from '../../model/names.ts';
import { type ServiceId, serviceId } from '../../model/service.ts';
import type { RunHandle, RunSpec } from '../port.ts';

/** What `run.json` holds: enough to find the run again, and to tell a reader what it was; never the value of a variable. */
export interface Intent {
  readonly handle: RunHandle;
  readonly directory: string;
  readonly command: string;
  readonly memoryLimit: number | null;
  readonly niceness: number;
}

const text = z.string().transform((value, context): ServiceId => {
  const [project = '', environment = '', service = '', ...more] = value.split('/');
  if (more.length > 0 || ![project, environment, service].every(isName)) {
    context.addIssue({ code: 'custom', message: 'not project/environment/service' });
  }
  return serviceId({ project, environment, service });
});

const intentText = z.object({
  handle: z.object({
    id: z.string(),
    service: text,
    port: z.number().nullable(),
    log: z.string(),
    driver: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  }),
  directory: z.string(),
  command: z.string(),
  memoryLimit: z.number().nullable(),
  niceness: z.number(),
});

export function writeIntent(handle: RunHandle, run: RunSpec): string {
  const { directory, command, memoryLimit, niceness } = run;
  const intent: Intent = { handle, directory, command, memoryLimit, niceness };
  return `${JSON.stringify(intent)}\n`;
}

/** `null` where there is none, or none that is whole (power was lost while it was written, so its processes are gone too). */
export async function readIntent(path: string): Promise<Intent | null> {
  const content = await readIfThere(path);
  if (content === null) return null;
  try {
    return intentText.parse(JSON.parse(content));
  } catch {
    return null;
  }
}
