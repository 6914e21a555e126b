import type { ServiceKey } from '../model/service.ts';

/**
 * The default host name of a service: `SERVICE.BASE`, `SERVICE-ENVIRONMENT.BASE` outside production, with `-PROJECT` after it where the
 * name is held by another. A numeric suffix ends the rare case in which that is held too. A label is at most 63 bytes (RFC 1035, 2.3.4).
 */
export function defaultHost(key: ServiceKey, base: string, isTaken: (host: string) => boolean): string {
  const short = key.environment === 'production' ? key.service : `${key.service}-${key.environment}`;
  const candidates = [short, `${short}-${key.project}`];
  for (const label of candidates) {
    const host = `${cut(label)}.${base}`;
    if (!isTaken(host)) return host;
  }
  for (let number = 2; ; number += 1) {
    const host = `${cut(`${short}-${key.project}`, 58)}-${number}.${base}`;
    if (!isTaken(host)) return host;
  }
}

/** `http://host` with the port of the edge where it is not the scheme's own. */
export function urlOf(host: string, port: number): string {
  return port === 80 ? `http://${host}` : `http://${host}:${port}`;
}

/** `https://host`, likewise. */
export function secureUrlOf(host: string, port: number): string {
  return port === 443 ? `https://${host}` : `https://${host}:${port}`;
}

function cut(label: string, length = 63): string {
  return label.slice(0, length).replace(/-+$/, '');
}
