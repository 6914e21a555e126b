import { z } from 'zod';
import { publish } from '../openapi.ts';
import type { App } from '../types.ts';

/** The description of the API and the pages to read it. Both say nothing of this installation, so they need no token. */
export function addDocumentationRoutes(app: App): void {
  const config = { policy: 'public' } as const;
  // Made when it is first asked for: building it costs memory that most daemons never need.
  let text: string | null = null;
  const describe = () => (text ??= publish(app.swagger()));
  app.get('/api/openapi.json', { config, schema: { hide: true } }, async (_request, reply) => {
    return reply.type('application/json; charset=utf-8').send(describe());
  });
  const pages = lazily(async () => (await import('../documentation.ts')).buildPages(describe()));
  for (const url of ['/api/docs', '/api/docs/*']) {
    app.get(
      url,
      { config, schema: { hide: true, params: z.object({ '*': z.string().optional() }) } },
      async (request, reply) => {
        const app = await pages();
        reply.hijack();
        app.routing(request.raw, reply.raw);
      },
    );
  }
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
