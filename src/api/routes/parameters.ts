import { z } from 'zod';
import type { Commands } from '../../reconcile/commands.ts';
import type { ServiceId } from '../../model/service.ts';
import { KapalError } from '../../model/errors.ts';
import { failureSchema } from '../contract/schemas.ts';
import { momentForms, parseMoment } from '../contract/moment.ts';

/** Parameters that many routes share. */

const place = z.string().min(1).max(100);

export const serviceParameters = z.object({ service: place.describe('Name of the service.') });

export const atQuery = z.object({
  project: place.optional().describe('May be left out where only one project has a service of this name.'),
  environment: place.default('production').describe('production unless told.'),
});

export const filterQuery = z.object({
  project: place.optional().describe('Only this project.'),
  environment: place.optional().describe('Only this environment.'),
  service: place.optional().describe('Only services of this name.'),
});

export const switchQuery = (what: string) => z.enum(['true', 'false']).optional().describe(what);

export const limitQuery = (normal: number) =>
  z.coerce.number().int().min(1).max(10_000).default(normal).describe(`The newest so many, ${normal} unless told.`);

export const sequenceQuery = z.coerce.number().int().min(0).optional().describe('Only what came after this sequence.');

/** For routes that answer nothing when they succeed. */
export const nothing = z.undefined().describe('Done.');

/** Answers of status 400 and above, for the description of every route. */
export const failures = { '4xx': failureSchema, '5xx': failureSchema };

interface Named {
  readonly params: z.output<typeof serviceParameters>;
  readonly query: z.output<typeof atQuery>;
}

/** The service that a request names. */
export function serviceOf(commands: Commands, { params, query }: Named): ServiceId {
  return commands.resolve(params.service, { project: query.project, environment: query.environment });
}

/** Milliseconds since the epoch of a `since`. Throws `usage` naming the forms. */
export function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const moment = parseMoment(text, Date.now());
  if (moment === null)
    throw new KapalError('usage', `since: ${JSON.stringify(text)} is no moment: expected ${momentForms}`);
  return moment;
}

/** Where a client that lost its connection goes on: the id of the last event it saw, a sequence. */
export function lastSeen(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined;
}
