import type { App, RouteContext } from '../types.ts';
import { paths } from '../contract/paths.ts';
import { edgeCheckSchema, edgeConfigSchema, shutdownRequestSchema, statusSchema } from '../contract/schemas.ts';
import { failures, nothing } from './parameters.ts';

const tags = ['daemon'];

export function addDaemonRoutes(app: App, { commands }: RouteContext): void {
  app.get(
    paths.status,
    {
      config: { policy: 'read' },
      schema: { tags, operationId: 'status', summary: 'What runs here', response: { 200: statusSchema, ...failures } },
    },
    () => commands.status(),
  );
  app.post(
    paths.shutdown,
    {
      config: { policy: 'admin' },
      schema: {
        tags,
        operationId: 'shutdown',
        summary: 'End the daemon',
        body: shutdownRequestSchema,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.shutdown(request.body.apps);
      return reply.code(204).send();
    },
  );
  app.get(
    paths.edgeConfig,
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'edgeConfig',
        summary: 'The configuration that the edge runs',
        response: { 200: edgeConfigSchema, ...failures },
      },
    },
    async () => ({ text: await commands.edgeConfig() }),
  );
  app.get(
    paths.edgeCheck,
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'edgeCheck',
        summary: 'Whether the next configuration is sound',
        response: { 200: edgeCheckSchema, ...failures },
      },
    },
    async () => ({ problems: [...(await commands.edgeCheck())] }),
  );
}
