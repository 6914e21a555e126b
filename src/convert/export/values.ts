import type { ServiceSpec, Spec, VariableValue } from '../../spec/spec.ts';

export interface Given {
  readonly key: string;
  readonly value: VariableValue;
}

/** The variables of a service, those of its groups first and its own over them, as a release gets them. */
export function variablesOf(spec: Spec, service: ServiceSpec): readonly Given[] {
  const groups = service.groups.flatMap((name) => spec.groups.find((group) => group.name === name)?.variables ?? []);
  return [...new Map([...groups, ...service.variables].map(({ key, value }) => [key, { key, value }])).values()];
}

const secretNames =
  /secret|token|passw|passphrase|pwd|private|credential|api_?key|access_?key|encrypt|salt|signature|session|cookie|dsn|(?:^|_)(?:key|auth|cert)(?:_|$)/i;

/** Whether a text that was declared openly may be a secret all the same, by its name or its form: then it leaves this declaration for no other. */
export function looksSecret(key: string, text: string): boolean {
  return secretNames.test(key) || /:\/\/[^\s/@]*:[^\s/@]+@|-----BEGIN/.test(text);
}

/** The text of a literal that may be written elsewhere; `null` for all else. */
export function openText({ key, value }: Given): string | null {
  return value.kind === 'literal' && !looksSecret(key, value.text) ? value.text : null;
}

/**
 * Ports for what listens, one for each instance, from 3001 on in the order of the declaration: all targets count alike. An app that insists on a port
 * has that one, where it is alone with it.
 */
export function firstPorts(spec: Spec): ReadonlyMap<string, number> {
  const ports = new Map<string, number>();
  const listening = spec.services.filter(({ type }) => type === 'web' || type === 'pserv');
  for (const { name, port, instances } of listening)
    if (port !== undefined && instances === 1 && ![...ports.values()].includes(port)) ports.set(name, port);
  const taken = new Set(ports.values());
  let next = 3001;
  for (const { name, instances } of listening) {
    if (ports.has(name)) continue;
    while (isTaken(taken, next, instances)) next += 1;
    ports.set(name, next);
    next += instances;
  }
  return ports;
}

function isTaken(taken: ReadonlySet<number>, first: number, count: number): boolean {
  return Array.from({ length: count }, (_, index) => first + index).some((port) => taken.has(port));
}

/** Seconds of a duration in milliseconds. */
export function seconds(milliseconds: number): number {
  return milliseconds / 1000;
}
