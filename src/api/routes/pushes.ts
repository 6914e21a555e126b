import { Readable } from 'node:stream';
import { z } from 'zod';
import { KapalError } from '../../model/errors.ts';
import { paths } from '../contract/paths.ts';
import { repositoryChangeSchema, repositorySchema } from '../contract/push-schemas.ts';
import type { App, RouteContext } from '../types.ts';
import { failures } from './parameters.ts';

const tags = ['deploys'];
const params = z.object({ project: z.string().min(1).max(100).describe('Name of the project.') });

export function addPushRoutes(app: App, context: RouteContext): void {
  const { pushes } = context;
  app.get(
    paths.repositories,
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listRepositories',
        summary: 'Repositories that are pushed to',
        response: { 200: z.array(repositorySchema), ...failures },
      },
    },
    () => pushes.list(),
  );
  app.get(
    '/api/v1/repositories/:project',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'repository',
        summary: 'Where a project is pushed to; its repository is made at the first push',
        params,
        response: { 200: repositorySchema, ...failures },
      },
    },
    (request) => pushes.get(request.params.project),
  );
  app.patch(
    '/api/v1/repositories/:project',
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'changeRepository',
        summary: 'Choose the branch that is deployed, and whether a push is refused when its deploy fails',
        params,
        body: repositoryChangeSchema,
        response: { 200: repositorySchema, ...failures },
      },
    },
    (request) => pushes.change(request.params.project, request.body),
  );
  addHookRoute(app, context);
}

/** For our own hooks, on this machine alone. */
function addHookRoute(app: App, { pushes }: RouteContext): void {
  app.addContentTypeParser('application/x-kapal-push', (_request, payload, done) => done(null, payload));
  app.post(
    '/api/v1/pushes/:id/:stage',
    {
      config: { policy: 'admin' },
      bodyLimit: Number.MAX_SAFE_INTEGER,
      schema: {
        hide: true,
        params: z.object({ id: z.string().max(100), stage: z.enum(['pre-receive', 'post-receive']) }),
      },
    },
    (request, reply) => {
      if (request.caller !== 'local') throw new KapalError('forbidden', 'only the hooks of pushes ask this');
      const { id, stage } = request.params;
      const gone = new AbortController();
      reply.raw.once('close', () => gone.abort());
      const lines = pushes.receive(id, stage, { body: request.raw, signal: gone.signal });
      return reply.type('text/plain; charset=utf-8').send(Readable.from(ended(lines), { objectMode: false }));
    },
  );
}

async function* ended(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}
