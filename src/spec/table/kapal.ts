import { honoured, own } from './shape.ts';
import { object } from './object.ts';
import { choice, glob, list, seconds, text, whole } from './shapes.ts';
import { size } from './size.ts';
import { address } from './address.ts';
import { defaults } from '../spec.ts';

const MB = 1024 * 1024;

export const rolloutFields = {
  strategy: own(
    choice(['rolling', 'blue-green'], {
      canary: 'this strategy comes in a later version of Kapal; take rolling',
    }),
    'How a new release takes over: `rolling` replaces instances in waves, `blue-green` starts all new ones before the first request goes to them.',
    { fallback: 'rolling' },
  ),
  maxSurge: own(whole(1, 100), 'Instances above the wanted number while rolling: the size of a wave.', {
    fallback: '1',
  }),
} as const;

export const healthCheckFields = {
  content: own(
    text,
    'The answer at `healthCheckPath` has to hold this text in the first 64 KiB of its body, as it stands here; 2xx or 3xx alone is not enough then.',
    { fallback: 'the body is not looked at' },
  ),
  intervalSeconds: own(seconds(1, 300), 'The pace of the checks of an instance that is ready, or of an upstream.', {
    fallback: `${defaults.health.interval / 1000}; proxy: ${defaults.upstreamHealth.interval / 1000}`,
  }),
  timeoutSeconds: own(seconds(1, 300), 'How long one check may take.', {
    fallback: `${defaults.health.timeout / 1000}; proxy: ${defaults.upstreamHealth.timeout / 1000}`,
  }),
} as const;

export const buildFields = {
  timeoutSeconds: own(seconds(1, 86_400), 'The wall-clock time that a build may take.', {
    fallback: String(defaults.build.timeout / 1000),
  }),
  memoryLimit: own(size(32 * MB), 'The memory that a build may use, where the kernel allows a limit.', {
    fallback: "3/4 of the machine's",
  }),
  diskLimit: own(
    size(32 * MB),
    'What a build may write in the folder of the release and in its home; above it it is ended.',
    {
      fallback: 'what is free above `kapal up --keep-free`',
    },
  ),
  processLimit: own(
    whole(16, 32_768),
    'The processes and threads that a build may have at once, where the kernel allows a limit.',
    {
      fallback: String(defaults.buildProcesses),
    },
  ),
} as const;

export const upstreamFields = {
  address: own(address, 'Where it listens.', { required: true }),
  weight: own(whole(1, 1000), "Its share of the requests, against the other upstreams' weights.", { fallback: '1' }),
} as const;

export const buildFilterFields = {
  paths: honoured(
    list(glob),
    'Globs, relative to the top of the repository. Where there are any, they decide in the place of `rootDir`: a push that changes none of these paths deploys nothing.',
    { fallback: 'all of `rootDir`' },
  ),
  ignoredPaths: honoured(
    list(glob),
    'Globs, relative to the top of the repository. What changes there alone deploys nothing.',
  ),
} as const;

export const buildFilter = object('buildFilter', buildFilterFields);
export const rollout = object('rollout', rolloutFields);
export const healthCheck = object('healthCheck', healthCheckFields);
export const build = object('build', buildFields);
export const upstreams = list(object('upstreams', upstreamFields));
