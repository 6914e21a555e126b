import type { ServiceSpec } from '../../../src/spec/spec.ts';

export const web = 'services:\n  - type: web\n    name: api\n    startCommand: npm start\n';
export const worker = 'services:\n  - type: worker\n    name: api\n    startCommand: npm start\n';
export const site = 'services:\n  - type: static\n    name: api\n    staticPublishPath: dist\n';
export const proxy = 'services:\n  - type: proxy\n    name: api\n    upstreams: [{address: "10.0.0.5:80"}]\n';
/** Without its schedule, and with it: a line more. */
export const unscheduled = 'services:\n  - type: cron\n    name: api\n    startCommand: npm start\n';
export const cron = `${unscheduled}    schedule: "0 3 * * *"\n`;

type Case = readonly [base: string, line: string, said: (service: ServiceSpec) => unknown, expected: unknown];

/** What fields do that have to do with jobs; see fields.test.ts. */
export const cronHonoured: Readonly<Record<string, readonly Case[]>> = {
  initialDeployHook: [
    [worker, 'initialDeployHook: node seed.js', (service) => service.commands.initialDeploy, 'node seed.js'],
    [web, 'initialDeployHook: ""', (service) => service.commands.initialDeploy, undefined],
  ],
  schedule: [
    [
      unscheduled,
      'schedule: "*/5 9-17 * * MON-FRI"',
      (service) => [service.type, service.cron],
      [
        'cron',
        {
          schedule: '*/5 9-17 * * MON-FRI',
          timeZone: null,
          overlap: 'skip',
          missed: 'once',
          timeout: null,
          history: 50,
        },
      ],
    ],
    [unscheduled, "schedule: '@hourly'", (service) => service.cron?.schedule, '@hourly'],
  ],
  timeZone: [[cron, 'timeZone: Asia/Jakarta', (service) => service.cron?.timeZone, 'Asia/Jakarta']],
  overlap: [[cron, 'overlap: replace', (service) => service.cron?.overlap, 'replace']],
  missed: [[cron, 'missed: skip', (service) => service.cron?.missed, 'skip']],
  timeoutSeconds: [[cron, 'timeoutSeconds: 90', (service) => service.cron?.timeout, 90_000]],
  historyLimit: [[cron, 'historyLimit: 7', (service) => service.cron?.history, 7]],
};
