import type { ClientKey, Policy } from './policy.ts';
import type { Route } from './port.ts';

/** What a route asks beyond its pool, as the end of its line; empty where it asks nothing. */
export function describeTerms({ policy, stripPath, redirectToHttps, hsts }: Route): string {
  const terms = [
    ...(redirectToHttps === true ? ['plain HTTP is led to HTTPS'] : []),
    ...(hsts === undefined ? [] : [`HSTS for ${hsts} s`]),
    ...(stripPath === true ? ['the path is taken off'] : []),
    ...(policy === undefined ? [] : [`under policy ${policy}`]),
  ];
  return terms.length === 0 ? '' : ` (${terms.join(', ')})`;
}

/** A policy as lines for people, in the order in which requests meet it. Neither digests nor values of headers are told: some are secret. */
export function describePolicy(policy: Policy): string[] {
  return [policy.id, ...[...admission(policy), ...changes(policy)].map((line) => `  ${line}`)];
}

function admission({ trustedProxies, maintenance, deny, allow, ...policy }: Policy): string[] {
  const lines: string[] = [];
  if (trustedProxies !== undefined) lines.push(`believes proxies in ${listed(trustedProxies)}`);
  if (maintenance !== undefined)
    lines.push(`closed for maintenance, to be tried again after ${maintenance.retryAfter} s`);
  if (deny !== undefined) lines.push(`keeps out ${listed(deny)}`);
  if (allow !== undefined) lines.push(`lets in only ${listed(allow)}`);
  for (const { requestsPerSecond, burst, key } of policy.rateLimits ?? [])
    lines.push(`${requestsPerSecond} requests/s, ${burst} at once, of ${describeKey(key)}`);
  const { connectionLimit, basicAuth } = policy;
  if (connectionLimit !== undefined)
    lines.push(`${connectionLimit.connections} connections at once, of ${describeKey(connectionLimit.key)}`);
  if (basicAuth !== undefined)
    lines.push(`asks for a password of ${listed(basicAuth.users.map((user) => user.name))} (realm ${basicAuth.realm})`);
  return lines;
}

function changes({ rules, requestHeaders, responseHeaders, gzip }: Policy): string[] {
  const lines: string[] = [];
  for (const rule of rules ?? [])
    lines.push(
      rule.kind === 'redirect'
        ? `redirects ${rule.source} to ${rule.destination} (${rule.status})`
        : `asks for ${rule.destination} in place of ${rule.source}`,
    );
  for (const { name, value } of requestHeaders ?? [])
    lines.push(`request header ${name}: ${value === null ? 'removed' : 'set'}`);
  for (const { name, value, path } of responseHeaders ?? [])
    lines.push(
      `response header ${name}: ${value === null ? 'removed' : 'set'}${path === undefined ? '' : ` at ${path}`}`,
    );
  if (gzip === true) lines.push('compresses text');
  return lines;
}

function describeKey(key: ClientKey): string {
  return key.kind === 'ip' ? 'one address' : `one value of ${key.name}, or one address`;
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join(', ');
}
