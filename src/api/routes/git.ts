import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { KapalError } from '../../model/errors.ts';
import type { GitRequest } from '../../source/http-backend.ts';
import { authorize } from '../access.ts';
import { failureOf } from '../failures.ts';
import type { App, RouteContext } from '../types.ts';

/**
 * git's smart HTTP (gitprotocol-http(5)) at `/git/PROJECT.git`. git asks for a user name and a password: the password is the token. What is refused is
 * answered as plain text, which git shows.
 */
export function addGitRoutes(app: App, { pushes }: RouteContext): void {
  const services = ['git-upload-pack', 'git-receive-pack'] as const;
  const params = z.object({ project: z.string().max(200), service: z.string().max(50).optional() });
  const querystring = z.object({ service: z.string().max(50).optional() });
  const schema = { hide: true, params };
  const config = { policy: 'read', password: true, anyHost: true } as const;
  // The streams themselves are the bodies: nothing is read before git asks.
  for (const service of services)
    app.addContentTypeParser(`application/x-${service}-request`, (_request, payload, done) => done(null, payload));

  app.get(
    '/git/:project.git/info/refs',
    { config, schema: { ...schema, querystring }, errorHandler: refuse },
    async (request, reply) => {
      const service = services.find((name) => name === request.query.service);
      if (service === undefined)
        throw new KapalError('forbidden', 'only the smart protocol of git is spoken here: use git 1.6.6 or later');
      return answer(request, reply, { service, step: 'advertise' });
    },
  );
  app.post(
    '/git/:project.git/:service',
    { config, schema, bodyLimit: Number.MAX_SAFE_INTEGER, errorHandler: refuse },
    async (request, reply) => {
      const service = services.find((name) => name === request.params.service);
      if (service === undefined) throw new KapalError('not_found', 'git asks for no such thing');
      return answer(request, reply, { service, step: 'exchange' });
    },
  );

  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    asked: Pick<GitRequest, 'service' | 'step'>,
  ): Promise<FastifyReply> {
    authorize(request.caller, asked.service === 'git-receive-pack' ? 'write' : 'read');
    const { project } = params.parse(request.params);
    const { status, headers, body } = await pushes.serve(project, { ...asked, ...headOf(request), body: request.raw });
    return reply.code(status).headers(Object.fromEntries(headers)).send(body);
  }
}

function headOf({ headers }: FastifyRequest): Omit<GitRequest, 'service' | 'step' | 'body'> {
  const field = (name: string): string | null => {
    const value = headers[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    contentType: field('content-type'),
    contentLength: field('content-length'),
    contentEncoding: field('content-encoding'),
    protocol: field('git-protocol'),
  };
}

/** git prints the lines of a plain text; it asks for a password where the answer is 401 with this header. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { status, document } = failureOf(error);
  const { message, hint } = document.error;
  if (status === 401) void reply.header('www-authenticate', 'Basic realm="kapal", charset="UTF-8"');
  // What git still sends is not wanted.
  request.raw.resume();
  void reply
    .code(status)
    .type('text/plain; charset=utf-8')
    .serializer(String)
    .send(`${[message, ...(hint === null ? [] : [hint])].join('\n')}\n`);
}
