import { isBranchName } from '../lib/tree/branch-name.ts';
import { shown } from '../lib/tree/tree-error.ts';
import { KapalError } from '../model/errors.ts';
import { gitFailure, type RemoteCall, remoteGit } from './git-transport.ts';

/** A ref as the remote has it now. `branch` is its short name, null where the remote's HEAD is no branch. */
export interface RemoteRef {
  readonly name: string;
  readonly oid: string;
  readonly branch: string | null;
}

/** The full names that a branch name may stand for, in order; none for the default branch. Throws KapalError `source_refused`. */
export function branchRefs(branch: string | null): readonly string[] {
  if (branch === null) return [];
  if (!isBranchName(branch)) {
    throw new KapalError('source_refused', `${shown(branch)} cannot be the name of a branch`, {
      hint: 'Name a branch or a tag of the repository, as in --branch main.',
    });
  }
  return [`refs/heads/${branch}`, `refs/tags/${branch}`];
}

/** Asks the remote for the branch, or for what its HEAD points at. Throws KapalError `source_failed`. */
export async function remoteRef(
  call: RemoteCall,
  wanted: { branch: string | null; refs: readonly string[] },
): Promise<RemoteRef> {
  const patterns = wanted.branch === null ? ['HEAD'] : wanted.refs;
  const result = await remoteGit(call, ['ls-remote', '--symref', '--', call.remote.shown, ...patterns]);
  if (!result.ok) throw gitFailure(call, result, 'read');
  const { oids, head } = parseRefs(result.stdout);
  if (wanted.branch === null) {
    const oid = oids.get('HEAD');
    if (oid === undefined)
      throw new KapalError('source_failed', `${call.remote.shown} has no commit yet, or no default branch`);
    return { name: head ?? 'HEAD', oid, branch: head?.replace(/^refs\/heads\//, '') ?? null };
  }
  for (const name of wanted.refs) {
    const oid = oids.get(name);
    if (oid !== undefined) return { name, oid, branch: wanted.branch };
  }
  throw await noSuchBranch(call, wanted.branch);
}

/** `OID<tab>REF`, and before it `ref: REF<tab>HEAD` (git-ls-remote(1)). */
function parseRefs(text: string): { oids: ReadonlyMap<string, string>; head: string | null } {
  const oids = new Map<string, string>();
  let head: string | null = null;
  for (const line of text.split('\n')) {
    const [what = '', name = ''] = line.split('\t');
    if (/^[0-9a-f]{40,64}$/.test(what)) oids.set(name, what);
    else if (name === 'HEAD' && what.startsWith('ref: refs/heads/')) head = what.slice('ref: '.length);
  }
  // A remote says what it likes: its HEAD goes into a refspec.
  return { oids, head: head !== null && isBranchName(head.slice('refs/heads/'.length)) ? head : null };
}

async function noSuchBranch(call: RemoteCall, branch: string): Promise<KapalError> {
  const { stdout } = await remoteGit(call, ['ls-remote', '--heads', '--', call.remote.shown]);
  const names = [...parseRefs(stdout).oids.keys()].map((name) => name.replace('refs/heads/', '')).filter(isBranchName);
  const more = names.length > 20 ? ', ...' : '';
  return new KapalError('source_failed', `${call.remote.shown} has no branch or tag ${shown(branch)}`, {
    hint: names.length === 0 ? 'It has no branches yet.' : `It has: ${names.slice(0, 20).join(', ')}${more}.`,
  });
}
