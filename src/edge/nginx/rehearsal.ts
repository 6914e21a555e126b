import { copyFile, mkdir, rm, symlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { exists } from '../../lib/files.ts';
import { KapalError } from '../../model/errors.ts';
import type { WorkerAccount } from './account.ts';
import { askControl } from './control.ts';
import { edgeFolder, type EdgeFolder } from './folder.ts';
import { furnishFolder } from './furnish.ts';
import { logSize, wordsSince } from './logs.ts';
import { endMaster, type MasterControl, startMaster } from './master.ts';
import type { EdgePlan } from './plan.ts';

/** A name that no table has: the edge answers it by itself, and no app is asked. */
const nobody = 'rehearsal.invalid';

/** In `control` of the folder of the rehearsal. */
const sockets = { plain: 'http.sock', secure: 'https.sock' } as const;

/**
 * Runs a next version whole, with its program, its Lua, the state that is served and as many workers, beside what runs and without a public port, and asks
 * it something. So a version that does not work here is found out before anything that serves is touched. Throws `edge_failed` with what went wrong.
 */
export async function rehearse(control: MasterControl, plan: EdgePlan, account: WorkerAccount | null): Promise<void> {
  await endRehearsal(control);
  const folder = edgeFolder(control.folder.rehearsal);
  const stage: MasterControl = { ...control, folder };
  try {
    await furnishFolder(folder, account);
    await lend(control.folder, folder, plan);
    const before = await logSize(folder);
    await startMaster(stage, { ...plan, rehearsed: true, configuration: withoutPorts(plan) });
    const answer = await askControl(folder, { path: '/', socket: sockets.plain, host: nobody });
    const said = answer.kind === 'answered' ? `status ${answer.status}` : answer.kind;
    const complaints = (await wordsSince(folder, before)).filter((line) => /\[(?:emerg|alert|crit|error)\]/.test(line));
    if (said !== 'status 404' || complaints.length > 0)
      throw new KapalError('edge_failed', `A rehearsal of the next version of the edge went wrong (${said})`, {
        log: complaints.slice(0, 20),
      });
  } finally {
    await endRehearsal(control);
  }
}

/** Also what a daemon left that died in the middle of one. */
export async function endRehearsal(control: MasterControl): Promise<void> {
  const { rehearsal } = control.folder;
  if (!(await exists(rehearsal))) return;
  await endMaster({ ...control, folder: edgeFolder(rehearsal) }, 0);
  await rm(rehearsal, { recursive: true, force: true });
}

/** What is served and the Lua that is to serve it: read where they are. */
async function lend(from: EdgeFolder, to: EdgeFolder, { settings }: EdgePlan): Promise<void> {
  for (const path of [from.state, from.certificateState, join(from.path, settings.engine)])
    if (await exists(path)) await symlink(path, join(to.path, relative(from.path, path)));
  await mkdir(to.certificates, { recursive: true });
  for (const name of ['placeholder.pem', 'placeholder.key'])
    await copyFile(join(from.certificates, name), join(to.certificates, name));
}

function withoutPorts({ configuration }: EdgePlan): EdgePlan['configuration'] {
  const text = configuration.text
    .replaceAll(/^( *listen )(?!unix:)\S+( ssl http2 default_server) .*;$/gm, `$1unix:control/${sockets.secure}$2;`)
    .replaceAll(/^( *listen )(?!unix:)\S+( default_server) .*;$/gm, `$1unix:control/${sockets.plain}$2;`);
  return { ...configuration, text };
}
