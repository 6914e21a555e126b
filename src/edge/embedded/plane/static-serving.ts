import type { StaticPool } from '../../pool.ts';
import { filePath } from '../http/path.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Passage } from '../policy/passage.ts';
import { redirectTo, type Verdict } from '../policy/verdict.ts';
import { staticRequestOf } from './static-answer.ts';
import type { PlaneOptions, StaticAnswer } from './types.ts';

export interface FileRequest {
  readonly pool: StaticPool;
  readonly request: RequestHead;
  readonly passage: Passage | null;
}

export type Served = { readonly answer: StaticAnswer } | { readonly verdict: Verdict };

type Files = Pick<PlaneOptions, 'answerStatic' | 'hasFile'>;

const wrongMethod: Verdict = { status: 405, headers: [['Allow', 'GET, HEAD']] };
const wrongPath: Verdict = { status: 400, headers: [] };

/** The answer from files: one that is there, else what a rule says, else what the pool has for addresses without a file. Rejects as `Files` do. */
export async function serveFiles(files: Files, asked: FileRequest): Promise<Served> {
  const { pool, request, passage } = asked;
  const reads = request.method === 'GET' || request.method === 'HEAD';
  const path = filePath(pathOf(passage?.target ?? request.target));
  if (reads && path === null) return { verdict: wrongPath };
  const rulesWait = passage !== null && passage.rulesWait;
  if (rulesWait && !(reads && path !== null && (await files.hasFile(pool, path)))) return led(files, asked);
  if (!reads || path === null) return { verdict: wrongMethod };
  return { answer: await files.answerStatic(pool, staticRequestOf(request, { path, target: request.target })) };
}

async function led(files: Files, { pool, request, passage }: FileRequest): Promise<Served> {
  const rule = passage?.withoutFile() ?? null;
  if (rule?.kind === 'redirect') return { verdict: redirectTo(rule.status, rule.location) };
  if (rule === null || (request.method !== 'GET' && request.method !== 'HEAD')) return { verdict: wrongMethod };
  const path = filePath(pathOf(rule.target));
  if (path === null) return { verdict: wrongPath };
  return { answer: await files.answerStatic(pool, staticRequestOf(request, { path, target: rule.target })) };
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}
