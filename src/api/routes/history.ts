import { z } from 'zod';
import type { ServiceId } from '../../model/service.ts';
import type { Commands } from '../../reconcile/commands.ts';
import type { App, RouteContext } from '../types.ts';
import { eventSchema, logSchema, releaseSchema } from '../contract/schemas.ts';
import { followRows } from '../event-stream.ts';
import {
  atQuery,
  failures,
  lastSeen,
  limitQuery,
  momentOf,
  sequenceQuery,
  serviceOf,
  serviceParameters,
  switchQuery,
} from './parameters.ts';

const tags = ['history'];
const follow = switchQuery('Answer server-sent events and go on with what comes; Last-Event-ID is honoured.');
/** Rows that one look at the store may answer while following. */
const BATCH = 10_000;

export function addHistoryRoutes(app: App, context: RouteContext): void {
  const { commands } = context;
  app.get(
    '/api/v1/services/:service/releases',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listReleases',
        summary: 'Releases of a service, newest first',
        params: serviceParameters,
        querystring: atQuery,
        response: { 200: z.array(releaseSchema), ...failures },
      },
    },
    async (request) => [...commands.releases(serviceOf(commands, request))],
  );
  addLogRoute(app, context);
  addEventRoute(app, context);
}

function addLogRoute(app: App, { commands, streams }: RouteContext): void {
  app.get(
    '/api/v1/services/:service/logs',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'logs',
        summary: 'What a service, its builds and Kapal about it print, oldest first',
        params: serviceParameters,
        querystring: atQuery.extend({
          since: z.string().max(40).optional().describe('A duration back from now (10m, 2h) or an ISO 8601 date.'),
          grep: z.string().max(1_000).optional().describe('Only lines that match this regular expression.'),
          after: sequenceQuery,
          limit: limitQuery(200),
          follow,
        }),
        response: { 200: answers(logSchema), ...failures },
      },
    },
    async (request, reply) => {
      const service = serviceOf(commands, request);
      const { since, grep, limit } = request.query;
      const after = lastSeen(request.headers['last-event-id']) ?? request.query.after;
      const query = { ...defined({ since: momentOf(since), grep }), limit };
      if (request.query.follow !== 'true')
        return [...(await commands.logs(service, { ...query, ...defined({ after }) }))];
      return streams.answer(reply, (signal) => logEvents(commands, { service, query, after, signal }));
    },
  );
}

function logEvents(
  commands: Commands,
  input: {
    readonly service: ServiceId;
    readonly query: { readonly since?: number; readonly grep?: string; readonly limit: number };
    readonly after: number | undefined;
    readonly signal: AbortSignal;
  },
) {
  const { service, query, signal } = input;
  const read = (after: number | undefined, limit: number) =>
    commands.logs(service, { ...query, ...defined({ after }), limit });
  return followRows({
    event: 'log',
    // Who comes back has seen some already and wants all since; who comes first wants the last few.
    first: () => read(input.after, input.after === undefined ? query.limit : BATCH),
    next: (after) => read(after, BATCH),
    more: () => commands.moreLogs(service, signal),
    signal,
    after: input.after,
  });
}

function addEventRoute(app: App, { commands, streams }: RouteContext): void {
  app.get(
    '/api/v1/events',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'events',
        summary: 'What happened, oldest first',
        querystring: z.object({ after: sequenceQuery, limit: limitQuery(100), follow }),
        response: { 200: answers(eventSchema), ...failures },
      },
    },
    async (request, reply) => {
      const { limit } = request.query;
      const after = lastSeen(request.headers['last-event-id']) ?? request.query.after;
      if (request.query.follow !== 'true') return [...commands.events({ ...defined({ after }), limit })];
      return streams.answer(reply, (signal) =>
        followRows({
          event: 'event',
          first: async () => commands.events({ ...defined({ after }), limit: after === undefined ? limit : BATCH }),
          next: async (last) => commands.events({ ...defined({ after: last }), limit: BATCH }),
          more: () => commands.moreEvents(signal),
          signal,
          after,
        }),
      );
    },
  );
}

/** JSON for a look, events for a follower. */
function answers<Row extends z.ZodType>(row: Row) {
  return {
    description: 'An array; server-sent events with follow=true, each with one row.',
    content: {
      'application/json': { schema: z.array(row) },
      'text/event-stream': { schema: z.string().describe('event, id and data lines; data is one row.') },
    },
  };
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys whose value is undefined: an optional key is absent, never undefined. */
function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}
