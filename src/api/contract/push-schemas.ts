import { z } from 'zod';

/** The shapes of pushes, as `schemas.ts` has the others. */

export const repositorySchema = z
  .object({
    project: z.string().describe('Name of the project.'),
    path: z.string().describe('Path of the repository at the address of the API.'),
    branch: z
      .string()
      .nullable()
      .describe('The branch whose pushes are deployed; null until the first push of main or master.'),
    requireDeploy: z.boolean().describe('A push is refused when its deploy fails.'),
    commit: z.string().nullable().describe('The commit of the branch; null before the first push.'),
  })
  .meta({ id: 'Repository' });

export const repositoryChangeSchema = z
  .object({
    branch: z.string().min(1).max(250).exactOptional().describe('The branch whose pushes are deployed.'),
    requireDeploy: z.boolean().exactOptional().describe('A push is refused when its deploy fails.'),
  })
  .meta({ id: 'RepositoryChange' });
