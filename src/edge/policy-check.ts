import { isChangeable, isFieldValue } from '../model/headers.ts';
import { readNetwork } from '../model/network.ts';
import { isAskable, parseDestination, parseSource } from '../model/path-pattern.ts';
import type { BasicAuth, ClientKey, HeaderChange, PathRule, Policy, RateLimit } from './policy.ts';

const maxIterations = 10_000_000;

/** What is wrong with a policy in itself, one sentence each; empty when it is sound. */
export function checkPolicy(policy: Policy): string[] {
  const problems = [
    ...networkProblems('trustedProxies', policy.trustedProxies),
    ...networkProblems('allow', policy.allow),
    ...networkProblems('deny', policy.deny),
    ...maintenanceProblems(policy),
    ...(policy.rateLimits ?? []).flatMap(rateProblems),
    ...connectionProblems(policy),
    ...(policy.basicAuth === undefined ? [] : authProblems(policy.basicAuth)),
    ...(policy.rules ?? []).flatMap(ruleProblems),
    ...(policy.requestHeaders ?? []).flatMap((change) => headerProblems('requestHeaders', change)),
    ...(policy.responseHeaders ?? []).flatMap((change) => [
      ...headerProblems('responseHeaders', change),
      ...(change.path === undefined ? [] : sourceProblems(`responseHeaders: ${change.name}`, change.path)),
    ]),
  ];
  return problems.map((problem) => `policy ${policy.id}: ${problem}`);
}

function networkProblems(field: string, networks: readonly string[] = []): string[] {
  return networks.flatMap((network) => {
    const read = readNetwork(network);
    if (read.kind === 'network' && read.network === network) return [];
    const hint = read.kind === 'none' ? 'is no network of IPv4 or IPv6' : `is written ${read.network}`;
    return [`${field}: ${JSON.stringify(network)} ${hint}`];
  });
}

function maintenanceProblems({ maintenance }: Policy): string[] {
  if (maintenance === undefined || isWhole(maintenance.retryAfter, 0)) return [];
  return [`maintenance: retryAfter ${maintenance.retryAfter} is no whole number of seconds from 0`];
}

function rateProblems(limit: RateLimit): string[] {
  const { requestsPerSecond, burst } = limit;
  const problems = keyProblems('rateLimits', limit.key);
  if (!(Number.isFinite(requestsPerSecond) && requestsPerSecond > 0))
    problems.push(`rateLimits: requestsPerSecond ${requestsPerSecond} is not above 0`);
  if (!isWhole(burst, 1)) problems.push(`rateLimits: burst ${burst} is no whole number from 1`);
  return problems;
}

function connectionProblems({ connectionLimit }: Policy): string[] {
  if (connectionLimit === undefined) return [];
  const problems = keyProblems('connectionLimit', connectionLimit.key);
  if (!isWhole(connectionLimit.connections, 1))
    problems.push(`connectionLimit: ${connectionLimit.connections} is no whole number from 1`);
  return problems;
}

function keyProblems(field: string, key: ClientKey): string[] {
  if (key.kind === 'ip' || isChangeable(key.name)) return [];
  return [`${field}: ${JSON.stringify(key.name)} is no header, in lower case, by which clients can be told apart`];
}

function authProblems({ realm, users }: BasicAuth): string[] {
  const problems = isFieldValue(realm) && !/["\\]/.test(realm) ? [] : ['basicAuth: the realm is no plain ASCII text'];
  const names = users.map((user) => user.name);
  if (users.length === 0) problems.push('basicAuth: it has no user, so nobody could get in');
  if (new Set(names).size !== names.length) problems.push('basicAuth: a user is there twice');
  for (const { name, salt, iterations, digest } of users) {
    // RFC 7617 2: a user-id holds no colon, and neither part a control character.
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (name === '' || /[:\0-\x1f\x7f]/.test(name))
      problems.push(`basicAuth: ${JSON.stringify(name)} can be no user: it is empty or holds a colon`);
    if (!/^(?:[0-9a-f]{2}){8,64}$/.test(salt))
      problems.push(`basicAuth: the salt of ${name} is not 8 to 64 bytes in hex`);
    if (!/^[0-9a-f]{64}$/.test(digest)) problems.push(`basicAuth: the digest of ${name} is not 32 bytes in hex`);
    if (!isWhole(iterations, 1) || iterations > maxIterations)
      problems.push(`basicAuth: the iterations of ${name} are not between 1 and ${maxIterations}`);
  }
  return problems;
}

function ruleProblems(rule: PathRule): string[] {
  const name = `rules: ${rule.source}`;
  const source = parseSource(rule.source);
  if ('problem' in source) return [`${name} ${source.problem}`];
  const destination = parseDestination(rule.destination, source);
  if ('problem' in destination) return [`${name}: ${rule.destination} ${destination.problem}`];
  if (rule.kind === 'rewrite')
    return isAskable(destination) ? [] : [`${name}: ${rule.destination} is no path, and a rewrite leads to one`];
  return [301, 302, 307, 308].includes(rule.status) ? [] : [`${name}: ${rule.status} is no status of a redirect`];
}

function sourceProblems(name: string, text: string): string[] {
  const source = parseSource(text);
  return 'problem' in source ? [`${name}: ${text} ${source.problem}`] : [];
}

function headerProblems(field: string, { name, value }: HeaderChange): string[] {
  if (!isChangeable(name)) return [`${field}: ${JSON.stringify(name)} cannot be set or removed`];
  return value === null || isFieldValue(value) ? [] : [`${field}: the value of ${name} is none that a header can have`];
}

function isWhole(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}
