import { z } from 'zod';
import { authorize } from '../access.ts';
import type { App, RouteContext } from '../types.ts';
import {
  domainCheckSchema,
  domainRequestSchema,
  domainSchema,
  variableChangesSchema,
  variableSchema,
  variablesChangedSchema,
} from '../contract/schemas.ts';
import { atQuery, failures, nothing, serviceOf, serviceParameters, switchQuery } from './parameters.ts';

const tags = ['configuration'];
const route = (rest: string) => `/api/v1/services/:service/${rest}`;
const named = { params: serviceParameters, querystring: atQuery };

export function addConfigurationRoutes(app: App, context: RouteContext): void {
  addVariableRoutes(app, context);
  addDomainRoutes(app, context);
}

function addVariableRoutes(app: App, { commands }: RouteContext): void {
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

function addDomainRoutes(app: App, { commands }: RouteContext): void {
  const params = serviceParameters.extend({
    host: z.string().min(1).max(1_000).describe('Host name, or host name with a path: example.com/api.'),
  });
  app.get(
    route('domains'),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listDomains',
        summary: 'Host names at which a service answers',
        ...named,
        response: { 200: z.array(domainSchema), ...failures },
      },
    },
    async (request) => [...commands.domains(serviceOf(commands, request))],
  );
  app.put(
    route('domains/:host'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'addDomain',
        summary: 'Let a service answer at a host name, with an own certificate or one that an authority is asked for',
        params,
        querystring: atQuery,
        // Without a body the domain is only added.
        body: domainRequestSchema.nullish(),
        response: { 200: domainSchema, ...failures },
      },
    },
    (request) => commands.addDomain(serviceOf(commands, request), request.params.host, request.body ?? {}),
  );
  app.delete(
    route('domains/:host'),
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'removeDomain',
        summary: 'Take a host name from a service',
        params,
        querystring: atQuery,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.removeDomain(serviceOf(commands, request), request.params.host);
      return reply.code(204).send();
    },
  );
  app.get(
    route('domains/:host/check'),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'checkDomain',
        summary: 'Look at what a host name needs: DNS, ports, CAA, certificate, clock',
        params,
        querystring: atQuery,
        response: { 200: domainCheckSchema, ...failures },
      },
    },
    (request) => commands.checkDomain(serviceOf(commands, request), request.params.host),
  );
}
