import { z } from 'zod';
import { authorize } from '../access.ts';
import type { App, RouteContext } from '../types.ts';
import { variableChangesSchema, variableSchema, variablesChangedSchema } from '../contract/schemas.ts';
import { atQuery, failures, serviceOf, serviceParameters, switchQuery } from './parameters.ts';

const tags = ['configuration'];
const route = (rest: string) => `/api/v1/services/:service/${rest}`;
const named = { params: serviceParameters, querystring: atQuery };

export function addConfigurationRoutes(app: App, { commands }: RouteContext): void {
  app.get(
    route('variables'),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listVariables',
        summary: 'Variables that the next instance gets',
        params: serviceParameters,
        querystring: atQuery.extend({ reveal: switchQuery('Show values too; needs the policy admin.') }),
        response: { 200: z.array(variableSchema), ...failures },
      },
    },
    async (request) => {
      const reveal = request.query.reveal === 'true';
      if (reveal) authorize(request.caller, 'admin');
      return [...commands.variables(serviceOf(commands, request), reveal)];
    },
  );
  app.patch(
    route('variables'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'changeVariables',
        summary: 'Set and unset variables, and roll the change out; the service need not exist yet',
        ...named,
        body: variableChangesSchema,
        response: { 202: variablesChangedSchema, ...failures },
      },
    },
    async (request, reply) => {
      const { project, environment } = request.query;
      const at = { project, environment, service: request.params.service };
      return reply.code(202).send({ operation: await commands.setVariables(at, request.body.changes) });
    },
  );
}
