import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { KapalError } from '../../model/errors.ts';
import type { OperationEvent } from '../contract/types.ts';
import type { App, RouteContext } from '../types.ts';
import { paths } from '../contract/paths.ts';
import { deployRequestSchema, operationSchema, planSchema } from '../contract/schemas.ts';
import type { StreamEvent } from '../event-stream.ts';
import { failures, nothing } from './parameters.ts';

const tags = ['deploys'];
/** Bytes of one tar stream. */
const SOURCE_LIMIT = 1024 ** 3;

const digestParameters = z.object({
  digest: z
    .string()
    .regex(/^sha256-[0-9a-f]{64}$/)
    .describe('sha256- and 64 hexadecimal digits.'),
});
/** Passed on as it comes; the schema is for the description alone. */
const tarSchema = z
  .any()
  .meta({ type: 'string', format: 'binary', description: 'ustar or pax; regular files and symbolic links.' });
const operationParameters = z.object({ id: z.string().min(1).max(100).describe('Id of the operation.') });

export function addDeployRoutes(app: App, context: RouteContext): void {
  const { commands } = context;
  addSourceRoutes(app, context);
  app.post(
    paths.deploys,
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'deploy',
        summary: 'Deploy a source; answers when the intent is on disk',
        body: deployRequestSchema,
        response: { 202: operationSchema, ...failures },
      },
    },
    async (request, reply) => reply.code(202).send(await commands.deploy(request.body)),
  );
  app.post(
    paths.plans,
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'plan',
        summary: 'What a deploy would change, and why',
        body: deployRequestSchema,
        response: { 200: planSchema, ...failures },
      },
    },
    (request) => commands.plan(request.body),
  );
  addOperationRoutes(app, context);
}

function addSourceRoutes(app: App, { commands }: RouteContext): void {
  const params = digestParameters;
  app.head(
    '/api/v1/sources/:digest',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'hasSource',
        summary: 'Whether a tree is stored',
        params,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      if (await commands.hasSource(request.params.digest)) return reply.code(204).send();
      throw new KapalError('not_found', 'the source is not stored');
    },
  );
  // The stream itself is the body: nothing is read before the handler asks.
  app.addContentTypeParser('application/x-tar', (_request, payload, done) => done(null, payload));
  app.put(
    '/api/v1/sources/:digest',
    {
      config: { policy: 'write' },
      bodyLimit: SOURCE_LIMIT,
      schema: {
        tags,
        operationId: 'putSource',
        summary: 'Store a tree, sent as a tar stream',
        params,
        consumes: ['application/x-tar'],
        body: tarSchema,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      if (request.body !== request.raw) throw new KapalError('usage', 'a source is sent as application/x-tar');
      if (Number(request.headers['content-length'] ?? 0) > SOURCE_LIMIT) throw tooLarge();
      await commands.putSource(request.params.digest, limited(request.raw));
      return reply.code(204).send();
    },
  );
}

/** The bytes of an upload as they are asked for. The request survives an early end, so that it can still be answered. */
async function* limited(request: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  let size = 0;
  try {
    // An IncomingMessage without an encoding yields buffers.
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length;
      if (size > SOURCE_LIMIT) throw tooLarge();
      yield piece;
    }
  } catch (error) {
    if (error instanceof KapalError) throw error;
    throw new KapalError('source_failed', 'the upload broke off', { hint: 'Deploy again.', cause: error });
  }
}

function tooLarge(): KapalError {
  return new KapalError('source_too_large', `the source is larger than ${SOURCE_LIMIT} bytes`);
}

function addOperationRoutes(app: App, { commands, streams }: RouteContext): void {
  // Ids of events hold for one life of the daemon: after a restart, what is published begins anew.
  const life = randomBytes(6).toString('hex');
  app.get(
    '/api/v1/operations/:id',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'operation',
        summary: 'Where a long piece of work stands',
        params: operationParameters,
        response: { 200: operationSchema, ...failures },
      },
    },
    async (request) => commands.operation(request.params.id),
  );
  app.get(
    '/api/v1/operations/:id/events',
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'followOperation',
        summary: 'Everything about an operation as server-sent events, ending after finished',
        params: operationParameters,
        response: {
          200: {
            description: 'Server-sent events; data is an OperationEvent, event its kind.',
            content: { 'text/event-stream': { schema: z.string().describe('event, id and data lines.') } },
          },
          ...failures,
        },
      },
    },
    async (request, reply) => {
      // An unknown operation is a 404, not a stream that fails.
      const { id } = commands.operation(request.params.id);
      return streams.answer(reply, (signal) => numbered(commands.follow(id, signal), life));
    },
  );
}

async function* numbered(events: AsyncIterable<OperationEvent>, life: string): AsyncGenerator<StreamEvent> {
  let count = 0;
  for await (const event of events) {
    count += 1;
    yield { event: event.kind, id: `${life}.${count}`, data: event };
  }
}
