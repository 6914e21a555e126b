import { z } from 'zod';
import { domainCheckSchema, domainRequestSchema, domainSchema } from '../contract/domain-schemas.ts';
import type { App, RouteContext } from '../types.ts';
import { atQuery, failures, nothing, serviceOf, serviceParameters } from './parameters.ts';

const tags = ['configuration'];
const route = (rest: string) => `/api/v1/services/:service/${rest}`;
const params = serviceParameters.extend({
  host: z.string().min(1).max(1_000).describe('Host name, or host name with a path: example.com/api.'),
});

export function addDomainRoutes(app: App, context: RouteContext): void {
  const { commands } = context;
  app.get(
    route('domains'),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listDomains',
        summary: 'Host names at which a service answers',
        params: serviceParameters,
        querystring: atQuery,
        response: { 200: z.array(domainSchema), ...failures },
      },
    },
    async (request) => [...commands.domains(serviceOf(commands, request))],
  );
  addChangeRoutes(app, context);
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

function addChangeRoutes(app: App, { commands }: RouteContext): void {
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
}
