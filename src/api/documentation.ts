import fastifySwagger, { type StaticDocumentSpec } from '@fastify/swagger';
import fastifySwaggerUi from '@fastify/swagger-ui';
import Fastify, { type FastifyInstance } from 'fastify';

/** Pages under /api/docs that show an OpenAPI document, as an app of their own so that they can be made after the API has started. */
export async function buildPages(document: string): Promise<FastifyInstance> {
  const app = Fastify();
  await app.register(fastifySwagger, {
    mode: 'static',
    specification: { document: JSON.parse(document) as StaticDocumentSpec['document'] },
  });
  await app.register(fastifySwaggerUi, {
    routePrefix: '/api/docs',
    staticCSP: true,
    uiConfig: { docExpansion: 'none', deepLinking: true },
  });
  await app.ready();
  return app;
}
