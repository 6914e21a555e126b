import { Readable } from 'node:stream';
import { z } from 'zod';
import type { App, RouteContext } from '../types.ts';
import { encodeFrame, type Frame } from '../contract/frames.ts';
import { jobSchema, jobsSchema, runRequestSchema, terminalSizeSchema } from '../contract/job-schemas.ts';
import { paths } from '../contract/paths.ts';
import { withHeartbeat } from '../heartbeat.ts';
import { failureOf } from '../failures.ts';
import { atQuery, failures, filterQuery, nothing, serviceOf, serviceParameters } from './parameters.ts';

const tags = ['jobs'];
const named = { params: serviceParameters, querystring: atQuery };
const jobParameters = z.object({ id: z.string().min(1).max(200).describe('Id of the job.') });
/** Bytes of input of one attached job. */
const INPUT_LIMIT = Number.MAX_SAFE_INTEGER;
/** Passed on as it comes; the schema is for the description alone. */
const inputSchema = z.any().meta({ type: 'string', format: 'binary', description: 'What the program reads.' });

export function addJobRoutes(app: App, context: RouteContext): void {
  const { commands } = context;
  app.get(
    paths.jobs({}),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listJobs',
        summary: 'Schedules and jobs of services',
        querystring: filterQuery,
        response: { 200: z.array(jobsSchema), ...failures },
      },
    },
    async (request) => [...commands.jobs.list(request.query)],
  );
  app.post(
    '/api/v1/services/:service/jobs',
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'runJob',
        summary: 'Run a cron now',
        ...named,
        response: { 202: jobSchema, ...failures },
      },
    },
    async (request, reply) => reply.code(202).send(commands.jobs.run(serviceOf(commands, request))),
  );
  addRunRoute(app, context);
  addJobRoute(app, context);
  addStreamRoutes(app, context);
}

/** A command in the current release. */
function addRunRoute(app: App, { commands, streams }: RouteContext): void {
  app.post(
    '/api/v1/services/:service/runs',
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'run',
        summary: 'Run a command in the current release',
        ...named,
        body: runRequestSchema,
        response: {
          200: {
            description: 'Attached: frames of one byte for the kind, four for the length, and the content.',
            content: { 'application/vnd.kapal.frames': { schema: z.any().meta({ type: 'string', format: 'binary' }) } },
          },
          202: jobSchema.describe('Detached: it goes on by itself.'),
          ...failures,
        },
      },
    },
    async (request, reply) => {
      const service = serviceOf(commands, request);
      if (request.body.detach) return reply.code(202).send(commands.jobs.begin(service, request.body));
      const attached = await commands.jobs.attach(service, request.body);
      const signal = streams.signalOf(reply);
      signal.addEventListener('abort', () => attached[Symbol.dispose](), { once: true });
      // Gone while the run was started: nobody would tell.
      if (signal.aborted) attached[Symbol.dispose]();
      const frames = withHeartbeat(attached.frames(), { silence: streams.heartbeat, signal, pulse: alive });
      return reply
        .type('application/vnd.kapal.frames')
        .send(Readable.from(encoded({ kind: 'job', job: attached.job }, frames), { objectMode: false }));
    },
  );
}

const alive: Frame = { kind: 'alive' };

async function* encoded(first: Frame, frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  yield encodeFrame(first);
  try {
    for await (const frame of frames) yield encodeFrame(frame);
  } catch (error) {
    yield encodeFrame({ kind: 'failed', message: failureOf(error).document.error.message });
  }
}

function addJobRoute(app: App, { commands }: RouteContext): void {
  const route = '/api/v1/jobs/:id';
  const params = jobParameters;
  const response = { 200: jobSchema, ...failures };
  app.get(
    route,
    { config: { policy: 'read' }, schema: { tags, operationId: 'job', summary: 'One job', params, response } },
    async (request) => commands.jobs.get(request.params.id),
  );
  app.delete(
    route,
    {
      config: { policy: 'write' },
      schema: { tags, operationId: 'stopJob', summary: 'Tell a job to end', params, response },
    },
    async (request) => commands.jobs.stop(request.params.id),
  );
}

/** What the client of an attached job sends. */
function addStreamRoutes(app: App, { commands }: RouteContext): void {
  const params = jobParameters;
  // The stream itself is the body: nothing is read before the job reads it.
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.put(
    '/api/v1/jobs/:id/input',
    {
      config: { policy: 'write' },
      bodyLimit: INPUT_LIMIT,
      schema: {
        tags,
        operationId: 'jobInput',
        summary: 'What an attached job reads, to its end',
        params,
        consumes: ['application/octet-stream'],
        body: inputSchema,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.jobs.feed(request.params.id, request.body as AsyncIterable<Uint8Array>);
      return reply.code(204).send();
    },
  );
  app.post(
    '/api/v1/jobs/:id/terminal',
    {
      config: { policy: 'write' },
      schema: {
        tags,
        operationId: 'jobTerminal',
        summary: 'The size of the terminal of an attached job',
        params,
        body: terminalSizeSchema,
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      await commands.jobs.resize(request.params.id, request.body);
      return reply.code(204).send();
    },
  );
}
