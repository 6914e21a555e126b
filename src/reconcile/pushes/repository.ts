import type { RepositoryDocument } from '../../api/contract/push-types.ts';
import { paths } from '../../api/contract/paths.ts';
import { shown } from '../../lib/tree/tree-error.ts';
import { KapalError } from '../../model/errors.ts';
import { isName } from '../../model/names.ts';
import type { RepositoryRow } from '../../state/records.ts';

/** Throws `name_invalid` for what cannot be the name of a project. */
export function checkProject(project: string): void {
  if (isName(project)) return;
  throw new KapalError('name_invalid', `project ${shown(project)} is not a valid name`, {
    hint: 'Use lower-case letters, digits and inner dashes, 40 at most: .../git/shop.git',
  });
}

/** A repository as people see it. */
export function documentOf({ project, branch, requireDeploy, tip }: RepositoryRow): RepositoryDocument {
  return { project, path: paths.git(project), branch, requireDeploy, commit: tip };
}
