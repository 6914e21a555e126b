import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { z } from 'zod';
import {
  asFailure,
  didYouMean,
  exitCode,
  failure,
  failureDocument,
  httpStatus,
  isFailureDocument,
} from '../../../src/api/contract/exit.ts';
import { parseMoment } from '../../../src/api/contract/moment.ts';
import type * as domainSchemas from '../../../src/api/contract/domain-schemas.ts';
import * as jobSchemas from '../../../src/api/contract/job-schemas.ts';
import type * as jobTypes from '../../../src/api/contract/job-types.ts';
import * as schemas from '../../../src/api/contract/schemas.ts';
import type * as types from '../../../src/api/contract/types.ts';
import type { ErrorDocument } from '../../../src/model/errors.ts';
import { deployed, event, finished, jobs, logLine, service, status, story } from './recording-commands.ts';

/** The compiler is the test: a schema and its type that differ in any field make `true` unassignable. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;
type Exactly<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Same<Schema extends z.ZodType, Type> = Exactly<DeepReadonly<z.output<Schema>>, DeepReadonly<Type>>;

test('schemas and types are equal', () => {
  const equal: readonly true[] = [
    true satisfies Same<typeof schemas.errorSchema, ErrorDocument>,
    true satisfies Same<typeof schemas.failureSchema, types.FailureDocument>,
    true satisfies Same<typeof schemas.serviceSchema, types.ServiceDocument>,
    true satisfies Same<typeof schemas.deploySchema, types.DeployDocument>,
    true satisfies Same<typeof schemas.deployRequestSchema, types.DeployRequest>,
    true satisfies Same<typeof schemas.operationSchema, types.OperationDocument>,
    true satisfies Same<typeof schemas.operationEventSchema, types.OperationEvent>,
    true satisfies Same<typeof schemas.planSchema, types.PlanDocument>,
    true satisfies Same<typeof schemas.releaseSchema, types.ReleaseDocument>,
    true satisfies Same<typeof schemas.variableSchema, types.VariableDocument>,
    true satisfies Same<typeof domainSchemas.domainSchema, types.DomainDocument>,
    true satisfies Same<typeof domainSchemas.domainRequestSchema, types.DomainRequest>,
    true satisfies Same<typeof domainSchemas.domainCheckSchema, types.DomainCheckDocument>,
    true satisfies Same<typeof jobSchemas.jobSchema, jobTypes.JobDocument>,
    true satisfies Same<typeof jobSchemas.jobsSchema, jobTypes.JobsDocument>,
    true satisfies Same<typeof jobSchemas.scheduleSchema, jobTypes.ScheduleDocument>,
    true satisfies Same<typeof jobSchemas.runRequestSchema, jobTypes.RunRequest>,
    true satisfies Same<typeof jobSchemas.terminalSizeSchema, jobTypes.TerminalSizeRequest>,
    true satisfies Same<typeof schemas.logSchema, types.LogDocument>,
    true satisfies Same<typeof schemas.eventSchema, types.EventDocument>,
    true satisfies Same<typeof schemas.statusSchema, types.StatusDocument>,
    true satisfies Same<typeof schemas.rollbackRequestSchema, types.RollbackRequest>,
    true satisfies Same<typeof schemas.scaleRequestSchema, types.ScaleRequest>,
    true satisfies Same<typeof schemas.variableChangesSchema, types.VariableChanges>,
    true satisfies Same<typeof schemas.variablesChangedSchema, types.VariablesChanged>,
    true satisfies Same<typeof schemas.persistentDiskSchema, types.PersistentDiskDocument>,
    true satisfies Same<typeof schemas.garbageSchema, types.GarbageDocument>,
    true satisfies Same<typeof schemas.garbageRequestSchema, types.GarbageRequest>,
    true satisfies Same<typeof schemas.shutdownRequestSchema, types.ShutdownRequest>,
    true satisfies Same<typeof schemas.edgeConfigSchema, types.EdgeConfigDocument>,
    true satisfies Same<typeof schemas.edgeCheckSchema, types.EdgeCheckDocument>,
  ];
  // The comparison itself tells apart what it must.
  true satisfies Exactly<{ a?: string }, { a?: string }>;
  false satisfies Exactly<{ a?: string }, { a: string | undefined }>;
  assert.ok(equal.every(Boolean));
});

test('documents pass their schemas unchanged', () => {
  const samples: readonly [z.ZodType, unknown][] = [
    [schemas.serviceSchema, service],
    [schemas.deploySchema, deployed],
    [schemas.operationSchema, finished],
    [schemas.statusSchema, status],
    [jobSchemas.jobsSchema, jobs],
    [schemas.logSchema, logLine(1, 'x')],
    [schemas.eventSchema, event(1)],
    ...story.map((one) => [schemas.operationEventSchema, one] as [z.ZodType, unknown]),
  ];
  for (const [schema, sample] of samples) assert.equal(JSON.stringify(schema.parse(sample)), JSON.stringify(sample));
});

describe('moments', () => {
  const now = Date.UTC(2026, 0, 31, 12);
  for (const [text, expected] of [
    ['30s', now - 30_000],
    ['10m', now - 600_000],
    ['2h', now - 7_200_000],
    ['7d', now - 604_800_000],
    ['1w', now - 604_800_000],
    ['2026-01-31', Date.UTC(2026, 0, 31)],
    ['2026-01-31T08:00:00Z', Date.UTC(2026, 0, 31, 8)],
    ['2026-01-31 08:00:00+07:00', Date.UTC(2026, 0, 31, 1)],
    ['2026-01-31T08:00:00.250Z', Date.UTC(2026, 0, 31, 8) + 250],
    ['', null],
    ['10', null],
    ['m', null],
    ['-5m', null],
    ['1.5h', null],
    ['yesterday', null],
    ['2026', null],
    ['2026-13-01', null],
    ['2026-01-31T25:00:00Z', null],
  ] as const) {
    test(`${JSON.stringify(text)} is ${expected}`, () => assert.equal(parseMoment(text, now), expected));
  }
});

describe('errors over the wire', () => {
  test('codes have the exit codes and statuses of the catalogue', () => {
    assert.deepEqual(
      (['build_failed', 'declaration_invalid', 'no_daemon', 'forbidden', 'unauthorized'] as const).map((code) => [
        exitCode(code),
        httpStatus(code),
      ]),
      [
        [1, 422],
        [2, 422],
        [3, 503],
        [4, 403],
        [4, 401],
      ],
    );
  });

  test('an error comes out as it went in', () => {
    const error = failure('domain_taken', 'x.example is taken', { hint: 'Choose another.' });
    const document = failureDocument(error);
    assert.ok(isFailureDocument(JSON.parse(JSON.stringify({ error: document }))));
    assert.deepEqual(failureDocument(asFailure(document)), document);
  });

  test('what is no failure of ours is not taken for one', () => {
    const right = { code: 'usage', message: 'm', hint: null, log: [] };
    assert.ok(isFailureDocument({ error: right }));
    for (const wrong of [
      null,
      'x',
      {},
      { error: null },
      { error: { ...right, code: 'toString' } },
      { error: { ...right, hint: 1 } },
      { error: { ...right, log: 'x' } },
    ]) {
      assert.ok(!isFailureDocument(wrong), JSON.stringify(wrong));
    }
  });

  test('near names are proposed, far ones are not', () => {
    assert.equal(didYouMean('dploy', ['deploy', 'down']), 'Did you mean deploy?');
    assert.equal(didYouMean('zzz', ['deploy', 'down']), undefined);
  });
});
