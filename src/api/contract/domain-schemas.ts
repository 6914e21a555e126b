import { z } from 'zod';
import { certificateStates, findingResults } from './types.ts';

/** The shapes of domains and certificates, as `schemas.ts` has the others. */

const certificateSchema = z
  .object({
    state: z
      .enum(certificateStates)
      .describe(
        'asking: an authority is being asked; waiting: it will be; failing: it will be again; none: problem says why.',
      ),
    source: z.enum(['acme', 'own', 'local']).nullable().describe('Who issued it; null where there is none.'),
    issuer: z.string().nullable().describe('Name of the authority.'),
    notAfter: z.string().nullable().describe('Its end. ISO 8601, UTC.'),
    trusted: z.boolean().describe('Clients on other machines accept it.'),
    nextTry: z.string().nullable().describe('When an authority is asked next. ISO 8601, UTC.'),
    problem: z.string().nullable().describe('What is wrong, or what the last try met.'),
    hint: z.string().nullable().describe('What to do.'),
    root: z.string().nullable().describe('Of the local authority: file with the root that clients have to trust.'),
  })
  .meta({ id: 'Certificate' });

export const domainSchema = z
  .object({
    host: z.string().describe('Host name.'),
    path: z.string().describe('/ for all of the host, else the prefix at which the service answers.'),
    source: z.enum(['declared', 'added', 'default']).describe('In the file, by the command, or its own default name.'),
    url: z.string().describe('Where it answers.'),
    certificate: certificateSchema.describe('Its certificate, or what keeps it from one.'),
  })
  .meta({ id: 'Domain' });

const pem = (what: string) =>
  z
    .string()
    .min(1)
    .max(256 * 1024)
    .exactOptional()
    .describe(what);

export const domainRequestSchema = z
  .object({
    certificate: pem("PEM chain of the operator's own certificate, leaf first or not; with its key."),
    key: pem('PEM key of the certificate, without a passphrase. It is kept sealed.'),
    acme: z
      .boolean()
      .exactOptional()
      .describe('Let ACME take the place of the own certificate, and ask the authority again without waiting.'),
  })
  .meta({ id: 'DomainRequest' });

const findingSchema = z
  .object({
    subject: z
      .enum(['dns', 'address', 'http', 'challenge', 'caa', 'https', 'clock', 'certificate'])
      .describe('What was looked at.'),
    result: z.enum(findingResults).describe('unknown: it cannot be told from this machine.'),
    code: z.string().describe('A stable word for what was found.'),
    facts: z.record(z.string(), z.string()).describe('Particulars of the finding, by name.'),
    message: z.string().describe('What was looked at and what was seen.'),
    advice: z.string().nullable().describe('What to do; null where nothing.'),
  })
  .meta({ id: 'DomainFinding' });

export const domainCheckSchema = z
  .object({
    host: z.string().describe('Host name.'),
    sound: z.boolean().describe('Nothing was found that has to be put right.'),
    findings: z.array(findingSchema).describe('In the order in which they were looked at.'),
  })
  .meta({ id: 'DomainCheck', description: 'kapal domain check --json.' });
