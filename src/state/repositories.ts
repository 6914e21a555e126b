import { flag, integer, type Row, text, textOrNull } from './columns.ts';
import type { Database } from './database.ts';
import type { RepositoryRow } from './records.ts';
import type { Repositories } from './store.ts';

export function openRepositories(database: Database): Repositories {
  const get = database.prepare('SELECT * FROM repositories WHERE project = $project');
  const all = database.prepare('SELECT * FROM repositories ORDER BY project');
  const put = database.prepare(`
    INSERT OR REPLACE INTO repositories (project, branch, require_deploy, tip, deployed, operation, created_at)
    VALUES ($project, $branch, $require_deploy, $tip, $deployed, $operation, $created_at)`);
  const remove = database.prepare('DELETE FROM repositories WHERE project = $project');
  return {
    get(project) {
      const row = get.get({ project });
      return row === undefined ? null : read(row);
    },
    all: () => all.all().map(read),
    put({ project, branch, requireDeploy, tip, deployed, operation, createdAt }) {
      const require = Number(requireDeploy);
      put.run({ project, branch, require_deploy: require, tip, deployed, operation, created_at: createdAt });
    },
    remove(project) {
      remove.run({ project });
    },
  };
}

function read(row: Row): RepositoryRow {
  return Object.freeze({
    project: text(row, 'project'),
    branch: textOrNull(row, 'branch'),
    requireDeploy: flag(row, 'require_deploy'),
    tip: textOrNull(row, 'tip'),
    deployed: textOrNull(row, 'deployed'),
    operation: textOrNull(row, 'operation'),
    createdAt: integer(row, 'created_at'),
  });
}
