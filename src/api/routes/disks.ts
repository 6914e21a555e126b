import { z } from 'zod';
import { KapalError } from '../../model/errors.ts';
import { isName } from '../../model/names.ts';
import { serviceId } from '../../model/service.ts';
import type { App, RouteContext } from '../types.ts';
import { paths } from '../contract/paths.ts';
import { garbageRequestSchema, garbageSchema, persistentDiskSchema } from '../contract/schemas.ts';
import { failures, filterQuery, nothing } from './parameters.ts';

const tags = ['disks'];
const part = (what: string) => z.string().min(1).max(100).describe(what);

export function addDiskRoutes(app: App, { commands }: RouteContext): void {
  app.get(
    paths.disks({}),
    {
      config: { policy: 'read' },
      schema: {
        tags,
        operationId: 'listDisks',
        summary: 'Disks of services, those too whose service is gone; counted just now',
        querystring: filterQuery.omit({ service: true }),
        response: { 200: z.array(persistentDiskSchema), ...failures },
      },
    },
    async (request) => [...(await commands.persistentDisks(request.query))],
  );
  app.post(
    paths.gc,
    {
      config: { policy: 'admin' },
      schema: {
        tags,
        operationId: 'collectGarbage',
        summary: 'Delete what nothing needs any more, or only say what; disks are never among it',
        body: garbageRequestSchema,
        response: { 200: garbageSchema, ...failures },
      },
    },
    async (request) => {
      const found = await commands.collectGarbage(request.body.dryRun);
      return { ...found, items: [...found.items] };
    },
  );
  app.delete(
    '/api/v1/disks/:project/:environment/:service/:disk',
    {
      config: { policy: 'admin' },
      schema: {
        tags,
        operationId: 'removeDisk',
        summary: 'Delete a detached disk with all that is on it',
        params: z.object({
          project: part('Project of its service.'),
          environment: part('Environment of its service.'),
          service: part('Name of its service, which may be gone.'),
          disk: part('Name of the disk.'),
        }),
        response: { 204: nothing, ...failures },
      },
    },
    async (request, reply) => {
      const { disk, ...key } = request.params;
      // The path of what is deleted is made of them.
      const wrong = [disk, ...Object.values(key)].find((name) => !isName(name));
      if (wrong !== undefined) throw new KapalError('name_invalid', `${JSON.stringify(wrong)} is not a valid name`);
      await commands.removeDisk(serviceId(key), disk);
      return reply.code(204).send();
    },
  );
}
