import { z } from 'zod';
import { hookProviders } from '../../model/hooks.ts';

/** The shapes of hooks, as `schemas.ts` has the others. */

export const hookSchema = z
  .object({
    id: z.string().describe('Id of the hook.'),
    project: z.string().describe('Name of the project.'),
    environment: z.string().describe('Environment that is deployed.'),
    provider: z.enum(hookProviders).describe('Who calls; none: the remote is polled.'),
    url: z.string().describe('Of the remote, without password.'),
    branch: z.string().nullable().describe("The branch that is deployed; null: the remote's default one."),
    pollSeconds: z.number().nullable().describe('Seconds between two looks at the remote; null for one that calls.'),
    path: z.string().nullable().describe('Where the provider calls, at the address of the API; null: it does not.'),
    publicKey: z.string().nullable().describe('Deploy key to be added at the provider; null where none is needed.'),
    commit: z.string().nullable().describe('The commit that was seen last.'),
    problem: z.string().nullable().describe('Why the last look came to nothing.'),
    nextLook: z.string().nullable().describe('When the remote is looked at next. ISO 8601, UTC.'),
  })
  .meta({ id: 'Hook' });

export const hookRequestSchema = z
  .object({
    project: z.string().min(1).max(100).describe('Name of the project.'),
    environment: z.string().min(1).max(100).default('production').describe('production unless told.'),
    provider: z.enum(hookProviders).describe('Who calls; none: the remote is polled.'),
    url: z.string().min(1).max(2_000).describe('https, http, ssh or git URL, or user@host:path.'),
    branch: z.string().min(1).max(250).nullable().default(null).describe("Branch; null: the remote's default one."),
    pollSeconds: z.number().int().min(10).max(86_400).nullable().default(null).describe('For provider none.'),
  })
  .meta({ id: 'HookRequest' });

export const hookAddedSchema = z
  .object({
    hook: hookSchema.describe('The hook.'),
    secret: z.string().nullable().describe('To be told to the provider. It is not shown again.'),
  })
  .meta({ id: 'HookAdded' });

export const hookAnswerSchema = z
  .object({
    accepted: z.boolean().describe('Whether the remote is looked at.'),
    message: z.string().describe('What comes of the delivery.'),
  })
  .meta({ id: 'HookAnswer' });
