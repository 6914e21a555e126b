import { plainly, type Report } from '../report.ts';
import type { FoundService } from '../table/service.ts';
import type { Draft } from './service.ts';

/** What the source that is deployed is known to be; a folder has neither. */
export interface Deployed {
  readonly url: string | null;
  readonly branch: string | null;
}

/**
 * Render services may each name a repository. A deploy takes one source: another one is refused; where it is not known what the source is,
 * two different ones cannot both be it.
 */
export function checkRepositories(drafts: readonly Draft[], deployed: Deployed, report: Report): void {
  const named = drafts.flatMap((draft) =>
    draft.repo === null ? [] : [{ ...draft.repo, identity: identityOf(draft.repo.url) }],
  );
  const [first] = named;
  if (first === undefined) return;
  const expected = deployed.url === null ? first.identity : identityOf(deployed.url);
  for (const one of named) {
    if (one.identity !== expected)
      report.refuse(
        one.place,
        `${plainly(one.url)} is another repository than ${deployed.url === null ? 'the one of another service' : 'the one that is deployed'}: deploy it by itself`,
      );
    else if (deployed.url === null)
      report.warn(one.place, 'is not looked at: the source is the folder that is deployed');
  }
}

export function checkBranch(entry: FoundService, deployed: Deployed, report: Report): void {
  const { branch } = entry.fields;
  if (branch === undefined || branch.value === deployed.branch) return;
  report.ignore(
    branch.place,
    `${deployed.branch === null ? 'the source is deployed as it is' : `the branch that is deployed is ${plainly(deployed.branch)}`}; kapal deploy --branch chooses another`,
  );
}

/** `https://user@GitHub.com/a/b.git/` and `git@github.com:a/b` are one repository. */
function identityOf(url: string): string {
  const plain = url
    .trim()
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
  const scp = /^(?:[^@/]+@)?([^/:]+):(?!\/\/)(.+)$/.exec(plain);
  const web = /^[a-z+]+:\/\/(?:[^@/]*@)?([^/]+)\/(.+)$/i.exec(plain);
  const [, host = '', path = plain] = web ?? scp ?? [];
  return `${host.toLowerCase()}/${path.replace(/^\/+/, '')}`;
}
