import { z } from 'zod';
import type { App, RouteContext } from '../types.ts';
import { paths } from '../contract/paths.ts';
import { operationSchema, rollbackRequestSchema, scaleRequestSchema, serviceSchema } from '../contract/schemas.ts';
import { atQuery, failures, filterQuery, nothing, serviceOf, serviceParameters, switchQuery } from './parameters.ts';

const tags = ['services'];
const route = (rest: string) => `/api/v1/services/:service/${rest}`;
const named = { params: serviceParameters, querystring: atQuery };
const acknowledged = { 202: operationSchema, ...failures };

export function addServiceRoutes(app: App, context: RouteContext): void {
  const { commands } = context;
  app.get(
    paths.services({}),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listServices',
        summary: 'What runs, once everything has been observed',
        querystring: filterQuery,
        response: { 200: z.array(serviceSchema), ...failures },
      },
    },
    (request) => commands.services(request.query),
  );
  addPlainChanges(app, context);
  addNumberedChanges(app, context);
  addProjectRoute(app, context);
}

/** Changes that name a number in their body. */
function addNumberedChanges(app: App, { commands }: RouteContext): void {
  app.post(
    route('rollback'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'rollback',
        summary: 'Make a new release of an old artifact',
        ...named,
        body: rollbackRequestSchema,
        response: acknowledged,
      },
    },
    async (request, reply) =>
      reply.code(202).send(await commands.rollback(serviceOf(commands, request), request.body.release)),
  );
  app.post(
    route('scale'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'scale',
        summary: 'Change the number of instances until the declared number changes',
        ...named,
        body: scaleRequestSchema,
        response: acknowledged,
      },
    },
    async (request, reply) =>
      reply.code(202).send(await commands.scale(serviceOf(commands, request), request.body.instances)),
  );
}

function addProjectRoute(app: App, { commands }: RouteContext): void {
  app.delete(
    '/api/v1/projects/:project',
    {
      config: { policy: 'admin' },
      schema: {
        tags,
        operationId: 'removeProject',
        summary: 'Stop and forget every service of a project; answers when they are gone',
        params: z.object({ project: z.string().min(1).max(100).describe('Name of the project.') }),
        querystring: z.object({
          withDisks: switchQuery('true: its disks are deleted too. Else it is refused while one holds data.'),
        }),
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.removeProject(request.params.project, { withDisks: request.query.withDisks === 'true' });
      return reply.code(204).send();
    },
  );
}

/** Changes that need no more than the service's name. */
function addPlainChanges(app: App, { commands }: RouteContext): void {
  const changes = [
    { verb: 'restart', summary: 'Replace every instance by a fresh one' },
    { verb: 'stop', summary: 'Drain and stop every instance' },
    { verb: 'start', summary: 'Start a stopped service' },
  ] as const;
  for (const { verb, summary } of changes) {
    app.post(
      route(verb),
      { config: { policy: 'write' }, schema: { tags, operationId: verb, summary, ...named, response: acknowledged } },
      async (request, reply) => reply.code(202).send(await commands[verb](serviceOf(commands, request))),
    );
  }
  app.post(
    route('cancel'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'cancel',
        summary: 'Cancel what is in flight for a service',
        ...named,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.cancel(serviceOf(commands, request));
      return reply.code(204).send();
    },
  );
}
