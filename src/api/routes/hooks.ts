import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { KapalError } from '../../model/errors.ts';
import { hookAddedSchema, hookAnswerSchema, hookRequestSchema, hookSchema } from '../contract/hook-schemas.ts';
import { paths } from '../contract/paths.ts';
import type { App, RouteContext } from '../types.ts';
import { failures, nothing } from './parameters.ts';

const tags = ['deploys'];
const params = z.object({ id: z.string().min(1).max(100).describe('Id of the hook.') });
/** Bytes of a delivery: GitHub sends no more. */
const DELIVERY_LIMIT = 25 * 1024 * 1024;

export function addHookRoutes(app: App, context: RouteContext): void {
  const { hooks } = context;
  app.get(
    paths.hooks,
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listHooks',
        summary: 'Remotes whose pushes are deployed',
        response: { 200: z.array(hookSchema), ...failures },
      },
    },
    () => hooks.list(),
  );
  app.post(
    paths.hooks,
    {
      config: { policy: 'admin' },
      schema: {
        tags,
        operationId: 'addHook',
        summary: 'Deploy the pushes of a remote; answers the secret for its provider, once',
        body: hookRequestSchema,
        response: { 201: hookAddedSchema, ...failures },
      },
    },
    async (request, reply) => reply.code(201).send(await hooks.add(request.body)),
  );
  app.delete(
    '/api/v1/hooks/:id',
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'removeHook',
        summary: 'Deploy the pushes of a remote no longer',
        params,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      hooks.remove(request.params.id);
      return reply.code(204).send();
    },
  );
  addDeliveryRoute(app, context);
}

/** For providers: whoever knows the secret of a hook. What is not signed by it is not read. */
function addDeliveryRoute(app: App, { hooks }: RouteContext): void {
  void app.register(async (deliveries: App) => {
    // Of any type, JSON too: signed are the bytes.
    deliveries.removeAllContentTypeParsers();
    deliveries.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    deliveries.post(
      '/hooks/:id',
      {
        config: { policy: 'public', anyHost: true },
        bodyLimit: DELIVERY_LIMIT,
        // Before its body is taken in.
        onRequest: async (request: FastifyRequest) => {
          const { id } = params.parse(request.params);
          if (!hooks.isKnown(id)) throw new KapalError('not_found', 'there is no such hook');
        },
        schema: {
          tags,
          operationId: 'deliver',
          summary: 'What GitHub, GitLab, Gitea, Forgejo and Bitbucket call',
          params,
          response: { 202: hookAnswerSchema, 200: hookAnswerSchema, ...failures },
        },
      },
      async (request, reply) => {
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const head = (name: string) => {
          const value = request.headers[name];
          return typeof value === 'string' ? value : null;
        };
        const answer = hooks.receive(request.params.id, { head, body });
        return reply.code(answer.accepted ? 202 : 200).send(answer);
      },
    );
  });
}
