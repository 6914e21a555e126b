import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { addressCases, authCases, listCases } from './edge-policies-access.ts';
import { gzipCases, headerCases } from './edge-policies-answers.ts';
import type { Seen } from './edge-policies-backend.ts';
import type { CaseAsk, ExpectedSight, PolicyCase } from './edge-policies-case.ts';
import { type Answer, ask, headerOf } from './edge-policies-client.ts';
import { hostOf, PolicyGround, tableOfCases } from './edge-policies-ground.ts';
import { orderCases } from './edge-policies-order.ts';
import { fileCases, redirectCases, rewriteCases, stripCases } from './edge-policies-paths.ts';
import type { EngineKind } from './engines.ts';

export const policyCases: readonly PolicyCase[] = [
  ...addressCases,
  ...listCases,
  ...authCases,
  ...orderCases,
  ...redirectCases,
  ...rewriteCases,
  ...stripCases,
  ...fileCases,
  ...headerCases,
  ...gzipCases,
];

/** The table of cases over one engine: all of them are in one route table, each under a host of its own. */
export function policyConformance(kind: EngineKind): void {
  describe(`policies: ${kind.name}`, () => {
    let ground: PolicyGround;
    before(async () => {
      ground = await PolicyGround.start(kind);
      await ground.apply(tableOfCases(policyCases));
    });
    after(() => ground[Symbol.asyncDispose]());
    for (const [index, policyCase] of policyCases.entries()) {
      test(policyCase.name, async () => {
        for (const [turn, asked] of policyCase.asks.entries()) {
          const what = `${turn + 1}: ${asked.method ?? 'GET'} ${asked.target ?? '/'} ${JSON.stringify(asked.headers ?? [])}`;
          await verify(ground, { asked, host: hostOf(index), what });
        }
      });
    }
  });
}

interface Turn {
  readonly asked: CaseAsk;
  readonly host: string;
  readonly what: string;
}

async function verify(ground: PolicyGround, { asked, host, what }: Turn): Promise<void> {
  const { engine } = ground;
  const { target = '/', want, expect, headers = [], ...more } = asked;
  const before = ground.asked(host);
  const wanted = want === undefined ? headers : [...headers, ['x-want', JSON.stringify(want)] as const];
  const answer = await ask({ port: engine.http, host, target, headers: wanted, ...more });
  assert.equal(answer.status, expect.status, `${what}: ${answer.body.toString().slice(0, 300)}`);
  const filled = (text: string): string => text.replaceAll('HOST', host).replaceAll('HTTPS', String(engine.https));
  for (const [name, value] of Object.entries(expect.headers ?? {}))
    compare(
      answer.headers.get(name)?.join(', ') ?? null,
      typeof value === 'string' ? filled(value) : value,
      `${what}: ${name}`,
    );
  const body = decoded(answer).toString();
  if (expect.body !== undefined) compare(body, expect.body, `${what}: body`);
  if (expect.saw === null) assert.equal(ground.asked(host), before, `${what}: a request reached an application`);
  else if (expect.saw !== undefined) compareSight(JSON.parse(body) as Seen, expect.saw, { what, filled });
}

function decoded(answer: Answer): Buffer {
  return headerOf(answer, 'content-encoding') === 'gzip' && answer.body.length > 0
    ? gunzipSync(answer.body)
    : answer.body;
}

function compareSight(
  seen: Seen,
  expected: ExpectedSight,
  { what, filled }: { readonly what: string; readonly filled: (text: string) => string },
): void {
  if (expected.url !== undefined) assert.equal(seen.url, expected.url, `${what}: what was asked of the application`);
  if (expected.method !== undefined) assert.equal(seen.method, expected.method, what);
  if (expected.body !== undefined) assert.equal(seen.body, expected.body, what);
  if (expected.backend !== undefined) assert.equal(seen.headers['x-backend'], expected.backend, what);
  for (const [name, value] of Object.entries(expected.headers ?? {}))
    compare(
      seen.headers[name] ?? null,
      typeof value === 'string' ? filled(value) : value,
      `${what}: the application's ${name}`,
    );
}

function compare(found: string | null, expected: string | RegExp | null, what: string): void {
  if (expected instanceof RegExp) assert.match(found ?? '(none)', expected, what);
  else assert.equal(found, expected, what);
}
