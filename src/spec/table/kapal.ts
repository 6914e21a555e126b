import { own, refused } from './shape.ts';
import { object } from './object.ts';
import { sizeText } from './expectation.ts';
import { choice, list, seconds, whole } from './shapes.ts';
import { size } from './size.ts';
import { address } from './address.ts';
import { balances, defaults } from '../spec.ts';

const MB = 1024 * 1024;

export const edgeFields = {
  balance: own(
    choice(balances, {
      'random-two': 'this balance is not supported by this version of Kapal; take least-connections',
    }),
    'Which instance gets the next request.',
    {
      fallback: defaults.edge.balance,
    },
  ),
  maxBodySize: own(size(1024), 'The largest request body; a larger one is answered with 413.', {
    fallback: sizeText(defaults.edge.maxBodySize),
  }),
  responseTimeoutSeconds: own(
    seconds(1, 3600),
    'How long a visitor waits for the first byte of a response, before 504.',
    {
      fallback: String(defaults.edge.responseTimeout / 1000),
    },
  ),
  idleTimeoutSeconds: own(
    seconds(0, 86_400),
    'The silence that ends a response under way or a WebSocket; 0 for no limit.',
    {
      fallback: String(defaults.edge.idleTimeout / 1000),
    },
  ),
  sticky: refused(
    'sticky sessions are not supported by this version of Kapal; balance: ip-hash keeps one address with one instance',
    { of: 'kapal' },
  ),
  rateLimit: refused('rate limits are not supported by this version of Kapal', { of: 'kapal' }),
} as const;

export const rolloutFields = {
  strategy: own(
    choice(['rolling', 'blue-green'], {
      canary: 'this strategy is not supported by this version of Kapal; take rolling',
    }),
    'How a new release takes over: `rolling` replaces instances in waves, `blue-green` starts all new ones before the first request goes to them.',
    { fallback: 'rolling' },
  ),
  maxSurge: own(whole(1, 100), 'Instances above the wanted number while rolling: the size of a wave.', {
    fallback: '1',
  }),
} as const;

export const healthCheckFields = {
  intervalSeconds: own(seconds(1, 300), 'The pace of the checks of an instance that is ready.', {
    fallback: String(defaults.health.interval / 1000),
  }),
  timeoutSeconds: own(seconds(1, 300), 'How long one check may take.', {
    fallback: String(defaults.health.timeout / 1000),
  }),
} as const;

export const buildFields = {
  timeoutSeconds: own(seconds(1, 86_400), 'The wall-clock time that a build may take.', {
    fallback: String(defaults.build.timeout / 1000),
  }),
  memoryLimit: own(size(32 * MB), 'The memory that a build may use, where the kernel allows a limit.', {
    fallback: "3/4 of the machine's",
  }),
} as const;

export const upstreamFields = {
  address: own(address, 'Where it listens.', { required: true }),
  weight: own(whole(1, 1000), "Its share of the requests, against the other upstreams' weights.", { fallback: '1' }),
} as const;

export const edge = object('edge', edgeFields);
export const rollout = object('rollout', rolloutFields);
export const healthCheck = object('healthCheck', healthCheckFields);
export const build = object('build', buildFields);
export const upstreams = list(object('upstreams', upstreamFields));
