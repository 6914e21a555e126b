import { Agent } from 'node:https';
import type * as library from 'acme-client';
import { type AcmeAuthority, AcmeProblem } from '../port.ts';
import { AcmeLibrarySession } from './session.ts';
import { asked, told } from './told.ts';

/** Milliseconds for one answer of an authority. */
const patience = 30_000;

/**
 * An authority by the library acme-client. `roots` (PEM) are trusted for its directory besides the machine's: private authorities. One library serves
 * the whole process, so what is set on its HTTP client is set for requests to this directory's origin alone.
 */
export function createAcmeAuthority(options: {
  readonly directory: string;
  readonly roots?: string | null;
  readonly userAgent: string;
}): AcmeAuthority {
  const { directory } = options;
  let loading: Promise<typeof library> | null = null;
  const loaded = (): Promise<typeof library> => (loading ??= load(options));
  return {
    directory,
    async session({ key, url, email }) {
      const acme = await loaded();
      const client = new acme.Client({
        directoryUrl: directory,
        accountKey: key,
        ...(url === null ? {} : { accountUrl: url }),
      });
      if (url === null) {
        await asked(() => client.createAccount({ termsOfServiceAgreed: true, contact: [`mailto:${email}`] }));
      }
      return { session: new AcmeLibrarySession(acme, client), url: client.getAccountUrl() };
    },
    async caaIdentities() {
      const { axios } = await loaded();
      const { data } = await told(axios.get<unknown>(directory));
      const meta = typeof data === 'object' && data !== null && 'meta' in data ? data.meta : null;
      const found = typeof meta === 'object' && meta !== null && 'caaIdentities' in meta ? meta.caaIdentities : [];
      return Array.isArray(found) ? found.filter((identity) => typeof identity === 'string') : [];
    },
    async proof(name, answer) {
      const { crypto } = await loaded();
      const authorization = {
        identifier: { type: 'dns', value: name },
        url: '',
        status: 'pending',
        challenges: [],
      } as const;
      const [key, chain] = await crypto.createAlpnCertificate(
        { ...authorization, challenges: [] },
        answer,
        await crypto.createPrivateEcdsaKey('P-256'),
      );
      return { chain: chain.toString(), key: key.toString() };
    },
  };
}

async function load({
  directory,
  roots,
  userAgent,
}: {
  readonly directory: string;
  readonly roots?: string | null;
  readonly userAgent: string;
}): Promise<typeof library> {
  const acme = await import('acme-client');
  const { origin } = new URL(directory);
  const { getCACertificates } = await import('node:tls');
  const agent =
    roots === undefined || roots === null
      ? new Agent({ ca: [...getCACertificates('system'), ...getCACertificates('default')] })
      : new Agent({ ca: [...getCACertificates('default'), roots] });
  const ours = (url: string | undefined) => url !== undefined && URL.canParse(url) && new URL(url).origin === origin;
  // The library's own would repeat what fails up to five times, and sleep for as long as Retry-After says, hours where a limit is reached: when to try
  // again is decided by the loop, which knows the other names too. And of a refused connection it makes a TypeError.
  acme.axios.interceptors.request.clear();
  acme.axios.interceptors.response.clear();
  acme.axios.interceptors.request.use((config) => {
    if (!ours(config.url)) return config;
    config.headers.set('User-Agent', userAgent);
    return Object.assign(config, { httpsAgent: agent, timeout: patience, maxContentLength: 1 << 20, maxRedirects: 0 });
  });
  acme.axios.interceptors.response.use((response) => {
    if (ours(response.config.url)) refuseProblem(response.status, response.data, response.headers['retry-after']);
    return response;
  });
  return acme;
}

/** The library makes of a problem document a text alone: what tells one problem from another would be lost. It repeats a bad nonce itself. */
function refuseProblem(status: number, body: unknown, retryAfter: unknown): void {
  if (status < 400) return;
  const document = typeof body === 'object' && body !== null ? body : {};
  const type =
    'type' in document && typeof document.type === 'string' ? (document.type.split(':').at(-1) ?? null) : null;
  if (type === 'badNonce') return;
  const detail = 'detail' in document && typeof document.detail === 'string' ? document.detail : null;
  throw new AcmeProblem(detail ?? `the authority answered ${status}`, {
    type,
    status,
    retryAfter: waitOf(retryAfter),
  });
}

/** Seconds or a date (RFC 9110 10.2.3), as milliseconds from now. */
function waitOf(header: unknown): number | null {
  if (typeof header !== 'string') return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const moment = Date.parse(header);
  return Number.isNaN(moment) ? null : Math.max(0, moment - Date.now());
}
