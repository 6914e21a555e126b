import { until } from '../test/e2e/kapal.ts';
import { onStage } from './stage.ts';
import { Listener, openEvents, openWebSocket, streamingServer } from './streams.ts';

/**
 * 100 WebSockets and 100 streams of server-sent events through 10 deploys. An app says `bye` on each of its streams when it is told to stop, which is
 * when its drain ends; a stream that ends without that was cut. Whoever is told `bye` connects again.
 *
 *   scripts/node24 bench/edge-streams.ts [embedded|nginx]
 */
const engine = process.argv[2] ?? 'nginx';
const each = 100;
const deploys = 10;

const app = `${streamingServer}
function answer(request, response) {
  response.end('ok');
}
`;

const declaration = `services:
  - type: web
    name: chat
    runtime: node
    buildCommand: ""
    startCommand: node app.js
    healthCheckPath: /healthz
    numInstances: 2
    maxShutdownDelaySeconds: 4
`;

function sum(listeners: readonly Listener[], key: 'moved' | 'cut'): number {
  return listeners.reduce((total, listener) => total + listener[key], 0);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

await onStage(async (kapal, figures) => {
  await kapal.up(['--edge', engine]);
  const files = { 'app.js': app, 'package.json': '{}', 'kapal.yaml': declaration };
  await kapal.deploy(await kapal.project('chat', files));
  const chat = { port: kapal.http, host: 'chat.localhost' };
  const listeners = [
    ...Array.from({ length: each }, () => new Listener(chat, openEvents)),
    ...Array.from({ length: each }, () => new Listener(chat, openWebSocket)),
  ];
  try {
    await until('every stream has begun', async () => (await pause(), listeners.every(({ heard }) => heard > 0)));
    for (let number = 1; number <= deploys; number += 1) {
      const changed = { ...files, 'package.json': JSON.stringify({ version: `${number}.0.0` }) };
      const [service] = (await kapal.deploy(await kapal.project('chat', changed))).services;
      if (service?.outcome !== 'live') throw new Error(`deploy ${number} ended ${service?.outcome}`);
      console.log(`  deploy ${number}: ${sum(listeners, 'moved')} moved, ${sum(listeners, 'cut')} cut`);
    }
    const before = sum(listeners, 'moved');
    await until('the last drain ends', async () => (await pause(), sum(listeners, 'moved') > before), 20);
    await until('all are heard again', async () => (await pause(), listeners.every(({ heard }) => heard > 0)), 20);
  } finally {
    for (const listener of listeners) listener.close();
  }
  figures.atMost(`${engine}: streams cut before their drain ended, of ${sum(listeners, 'moved') + 2 * each}`, {
    value: sum(listeners, 'cut'),
    most: 0,
  });
});
