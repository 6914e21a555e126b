import type { IncomingMessage } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import {
  jsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
} from 'fastify-type-provider-zod';
import type { Log } from '../lib/log.ts';
import type { Commands } from '../reconcile/commands.ts';
import type { HookCommands } from '../reconcile/hooks/hooks.ts';
import type { PushCommands } from '../reconcile/pushes/pushes.ts';
import { authorize, bearsToken, type Caller, checkHost, checkOrigin, hasPassword, type Policy } from './access.ts';
import type { EventStreams } from './event-stream.ts';
import { answerFailure, failureHandler, failureOf, refuseUnknown } from './failures.ts';
import { addConfigurationRoutes } from './routes/configuration.ts';
import { addDaemonRoutes } from './routes/daemon.ts';
import { addDeployRoutes } from './routes/deploys.ts';
import { addDiskRoutes } from './routes/disks.ts';
import { addDomainRoutes } from './routes/domains.ts';
import { addDocumentationRoutes } from './routes/documentation.ts';
import { addGitRoutes } from './routes/git.ts';
import { addHookRoutes } from './routes/hooks.ts';
import { addHistoryRoutes } from './routes/history.ts';
import { addJobRoutes } from './routes/jobs.ts';
import { addPushRoutes } from './routes/pushes.ts';
import { addServiceRoutes } from './routes/services.ts';
import type { App, RouteContext } from './types.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. A route without it is refused when it is added. */
    readonly policy?: Policy;
    /** The token may come as the password of Basic authentication. Not for what a browser could be led to ask for. */
    readonly password?: boolean;
    /** It answers by whatever name it is reached: nothing that a browser sends by itself lets anybody do a thing here. */
    readonly anyHost?: boolean;
  }
  interface FastifyRequest {
    caller: Caller;
  }
}

export interface AppOptions {
  readonly commands: Commands;
  readonly pushes: PushCommands;
  readonly hooks: HookCommands;
  /** What callers over TCP have to bear. */
  readonly token: string;
  /** The configured host of the TCP listener. */
  readonly host: string;
  readonly version: string;
  readonly log: Log;
  readonly streams: EventStreams;
  /** Whether a request came by the Unix socket. */
  readonly isLocal: (request: IncomingMessage) => boolean;
}

const JSON_LIMIT = 1024 * 1024;
/** Host names have up to 253 characters; digests 71. */
const LONGEST_PARAMETER = 300;

/** The API without listeners: `app.routing` takes requests of any server. */
export async function buildApp(options: AppOptions): Promise<App> {
  const app: App = Fastify({
    bodyLimit: JSON_LIMIT,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    frameworkErrors: (error, _request, reply: FastifyReply) => answerFailure(reply, failureOf(error)),
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(failureHandler(options.log));
  app.setNotFoundHandler(refuseUnknown);
  // Bodies are JSON, but for sources.
  app.removeContentTypeParser('text/plain');
  guard(app, options);
  await app.register(fastifySwagger, {
    openapi: description(options.version),
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  addRoutes(app, options);
  await app.ready();
  return app;
}

function addRoutes(app: App, context: RouteContext): void {
  addDaemonRoutes(app, context);
  addDeployRoutes(app, context);
  addServiceRoutes(app, context);
  addJobRoutes(app, context);
  addHistoryRoutes(app, context);
  addConfigurationRoutes(app, context);
  addDomainRoutes(app, context);
  addDiskRoutes(app, context);
  addPushRoutes(app, context);
  addGitRoutes(app, context);
  addHookRoutes(app, context);
  addDocumentationRoutes(app);
}

/** Nothing is reachable that does not say who may reach it: a route without a policy is refused when it is added. */
export function guard(app: App, options: Pick<AppOptions, 'isLocal' | 'token' | 'host'>): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.policy === undefined)
      throw new TypeError(`${String(route.method)} ${route.url} declares no policy`);
  });
  app.decorateRequest('caller', 'nobody');
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    request.caller = identify(request, options);
    const { anyHost = false } = request.routeOptions.config;
    if (request.caller !== 'local' && !anyHost) checkHost(request.headers.host, options.host);
    checkOrigin(request.raw);
    // An unknown path has no policy: whoever may not read is not told that it is unknown.
    authorize(request.caller, request.routeOptions.config.policy ?? 'read');
  });
}

function identify(request: FastifyRequest, options: Pick<AppOptions, 'isLocal' | 'token'>): Caller {
  if (options.isLocal(request.raw)) return 'local';
  const { authorization } = request.headers;
  const isKnown =
    bearsToken(authorization, options.token) ||
    (request.routeOptions.config.password === true && hasPassword(authorization, options.token));
  return isKnown ? 'bearer' : 'nobody';
}

function description(version: string) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Kapal',
      version,
      description:
        'Deploys backends to servers that people own. Over TCP every request but those of the documentation bears the token that `kapal token` prints; ' +
        'the Unix socket in the data folder needs none. Every answer of status 400 and above is a Failure.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [
      { name: 'deploys', description: 'From a source to what runs' },
      { name: 'services', description: 'What runs' },
      { name: 'jobs', description: 'Commands that run once' },
      { name: 'history', description: 'Releases, logs and events' },
      { name: 'configuration', description: 'Variables and domains' },
      { name: 'daemon', description: 'The daemon and its edge' },
    ],
    components: { securitySchemes: { token: { type: 'http' as const, scheme: 'bearer' } } },
    security: [{ token: [] }],
  };
}
