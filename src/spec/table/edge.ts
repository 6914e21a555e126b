import type { ServiceType } from '../../model/service.ts';
import { balances, redirectsToHttps } from '../edge-spec.ts';
import { defaults } from '../spec.ts';
import { clientKey } from './client-key.ts';
import { cookieName, realm, userName, variableName } from './credentials.ts';
import { sizeText } from './expectation.ts';
import { headerName, headerValues } from './headers.ts';
import { network } from './network.ts';
import { object } from './object.ts';
import { destination, pattern } from './pattern.ts';
import { own, refused } from './shape.ts';
import { choice, flag, host, list, located, number, oneOrMore, seconds, whole, wordOr } from './shapes.ts';
import { size } from './size.ts';

const balanced = ['web', 'pserv', 'proxy'] as const satisfies readonly ServiceType[];
const forwarded = ['web', 'proxy'] as const satisfies readonly ServiceType[];
const visible = ['web', 'static', 'proxy'] as const satisfies readonly ServiceType[];
const upstream = ['proxy'] as const satisfies readonly ServiceType[];

/** One day has 86,400 seconds. */
const year = 365 * 86_400;

export const stickyFields = {
  cookie: own(cookieName, 'The name of the cookie.', { fallback: defaults.sticky.cookie }),
  maxAgeSeconds: own(whole(1, year), 'How long the browser keeps the cookie.', {
    fallback: 'until the browser is closed',
  }),
} as const;

export const queueFields = {
  size: own(
    whole(1, 100_000),
    'Requests that wait for a place, over all instances; the next one is answered with 503.',
    {
      required: true,
    },
  ),
  timeoutSeconds: own(seconds(1, 300), 'How long a request waits, before 503.', {
    fallback: String(defaults.queue.timeout / 1000),
  }),
} as const;

export const rateLimitFields = {
  requestsPerSecond: own(number(0.01, 1_000_000), 'How fast the bucket fills.', { required: true }),
  burst: own(whole(1, 1_000_000), 'The size of the bucket: so many requests may come at once.', {
    fallback: 'the requests of one second',
  }),
  key: own(clientKey, 'What tells one client from another.', { fallback: '`ip`' }),
} as const;

export const connectionLimitFields = {
  connections: own(
    whole(1, 1_000_000),
    'Requests and WebSockets of one client under way at once; the next one is answered with 429.',
    {
      required: true,
    },
  ),
  key: own(clientKey, 'What tells one client from another.', { fallback: '`ip`' }),
} as const;

export const basicUserFields = {
  name: own(userName, 'The name of the user.', { required: true }),
  passwordVariable: own(
    variableName,
    'The variable of the service that holds the password: declared with `sync: false`, or set by `kapal env set`. Without a value the deploy stops before the build.',
    { required: true },
  ),
} as const;

export const basicAuthFields = {
  realm: own(realm, 'What the browser shows above its question.', { fallback: defaults.realm }),
  users: own(list(located(object('edge.basicAuth.users', basicUserFields))), 'Who gets in.', { required: true }),
} as const;

export const headerChangeFields = {
  set: own(headerValues, 'Headers and their values; what was sent under these names is replaced.'),
  remove: own(list(headerName), 'Headers that do not go on.'),
} as const;

export const redirectFields = {
  source: own(pattern, 'The paths it is for.', { required: true }),
  destination: own(destination('destination'), 'Where it leads; may take `:name` and `*` of the source.', {
    required: true,
  }),
  status: own(choice(['301', '302', '307', '308']), 'The status code of the answer.', {
    fallback: String(defaults.redirectStatus),
  }),
} as const;

export const rewriteFields = {
  source: own(pattern, 'The paths it is for.', { required: true }),
  destination: own(destination('url-path'), 'The path that is asked of the service instead.', { required: true }),
} as const;

export const httpsFields = {
  redirect: own(
    choice(redirectsToHttps),
    'Whether plain HTTP is redirected to HTTPS: `auto` does where a publicly trusted certificate is held. Names under `localhost` never are.',
    { fallback: 'auto' },
  ),
  hstsSeconds: own(
    whole(0, 2 * year),
    'Strict-Transport-Security, sent where a publicly trusted certificate is held: for so long browsers use HTTPS alone. 0 sends none.',
    { fallback: String(defaults.hsts) },
  ),
} as const;

export const upstreamTlsFields = {
  serverName: own(host, 'The name that upstreams are asked for and whose certificate they must show.', {
    fallback: 'the Host that the upstream is sent',
  }),
  verify: own(flag, 'With `false` any certificate will do: whoever is in between can read along.', {
    fallback: 'true',
  }),
} as const;

export const edgeFields = {
  balance: own(choice(balances), 'Which instance gets the next request.', {
    types: balanced,
    fallback: defaults.edge.balance,
  }),
  maxBodySize: own(
    size(1024),
    'The largest request body; a larger one is answered with 413. nginx takes the next usual size (1MB, 20MB, 512MB) for a body that does not tell its length.',
    {
      types: forwarded,
      fallback: sizeText(defaults.edge.maxBodySize),
    },
  ),
  responseTimeoutSeconds: own(
    seconds(1, 3600),
    'How long a visitor waits for the first byte of a response, before 504.',
    {
      types: forwarded,
      fallback: String(defaults.edge.responseTimeout / 1000),
    },
  ),
  idleTimeoutSeconds: own(
    seconds(0, 86_400),
    'The silence that ends a response under way or a WebSocket; 0 for no limit.',
    {
      types: forwarded,
      fallback: String(defaults.edge.idleTimeout / 1000),
    },
  ),
  sticky: own(
    wordOr('cookie', null, object('edge.sticky', stickyFields)),
    'A visitor stays with the instance that answered first, by a signed cookie; when that instance is gone, with another.',
    { types: forwarded },
  ),
  slowStartSeconds: own(
    seconds(1, 3600),
    'The time in which the share of a new instance grows from a tenth to its whole.',
    {
      types: forwarded,
      fallback: 'its whole at once',
    },
  ),
  maxConnections: own(whole(1, 1_000_000), 'Requests and WebSockets under way at one instance.', {
    types: forwarded,
    fallback: 'no limit',
  }),
  queue: own(object('edge.queue', queueFields), 'Where requests wait when every instance has `maxConnections`.', {
    types: forwarded,
    fallback: 'none: 503 at once',
  }),
  overload: own(
    choice(['adaptive', 'off']),
    'What becomes of requests when the instances are asked for more than they can answer: with `adaptive` they get as much as they can, and the rest is answered with 503 and Retry-After at once. `maxConnections` takes its place.',
    { types: forwarded, fallback: 'adaptive' },
  ),
  rateLimit: own(oneOrMore(object('edge.rateLimit', rateLimitFields)), 'How often one client may ask; beyond it 429.', {
    types: visible,
  }),
  connectionLimit: own(object('edge.connectionLimit', connectionLimitFields), 'How much one client may ask at once.', {
    types: visible,
  }),
  allow: own(list(network), 'Only these get in; 403 to all others.', { types: visible }),
  deny: own(list(network), 'These do not get in: 403. It wins over `allow`.', { types: visible }),
  trustedProxies: own(
    list(network),
    'Proxies in front of this edge, whose X-Forwarded-For and X-Forwarded-Proto are believed.',
    { types: visible, fallback: 'none' },
  ),
  basicAuth: own(object('edge.basicAuth', basicAuthFields), 'Asks for a name and a password.', { types: visible }),
  requestHeaders: own(object('edge.requestHeaders', headerChangeFields), 'Changes what the service is sent.', {
    types: forwarded,
  }),
  responseHeaders: own(object('edge.responseHeaders', headerChangeFields), 'Changes what the visitor is sent.', {
    types: visible,
  }),
  redirects: own(
    list(located(object('edge.redirects', redirectFields))),
    'Sends visitors elsewhere; the first that matches.',
    {
      types: visible,
    },
  ),
  rewrites: own(
    list(located(object('edge.rewrites', rewriteFields))),
    'Asks the service for another path than the visitor did; the first that matches, after `redirects`.',
    {
      types: visible,
    },
  ),
  stripPath: own(
    flag,
    'Takes the path of a domain (`shop.example.com/api`) off before the request goes on, and tells it in X-Forwarded-Prefix.',
    {
      types: visible,
      fallback: 'false',
    },
  ),
  gzip: own(flag, 'Compresses text of 1 KiB and more, for clients that take it.', {
    types: visible,
    fallback: 'true for static, else false',
  }),
  https: own(object('edge.https', httpsFields), 'How plain HTTP is treated.', { types: visible }),
  preserveHost: own(
    flag,
    'With `true` upstreams see the Host that the visitor asked for, as apps need for their links and cookies; with `false` their own address, as other sites need.',
    { types: upstream, fallback: 'true' },
  ),
  upstreamTls: own(object('edge.upstreamTls', upstreamTlsFields), 'How upstreams with `https://` are spoken to.', {
    types: upstream,
  }),
  cache: refused(
    'a cache of responses comes in a later version of Kapal: let the app send Cache-Control for browsers',
    { of: 'kapal' },
  ),
  waf: refused('a web application firewall comes in a later version of Kapal; allow, deny and rateLimit are there', {
    of: 'kapal',
  }),
  forwardAuth: refused('asking another service who may enter comes in a later version of Kapal; basicAuth is there', {
    of: 'kapal',
  }),
  brotli: refused('Brotli comes in a later version of Kapal; gzip is there', { of: 'kapal' }),
} as const;

export const edge = object('edge', edgeFields);
