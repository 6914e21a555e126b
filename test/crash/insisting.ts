import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceDocument } from '../../src/api/contract/types.ts';
import { installOf, networksOf } from '../e2e/install.ts';
import { freePort } from '../free-port.ts';
import { seen, until } from '../patience.ts';
import type { Shop } from './shop.ts';

const forwarding = '/proc/sys/net/ipv4/ip_forward';

/** Milliseconds between two tries of what a killed daemon did not answer. */
const pace = 100;

/**
 * A project whose app ignores PORT, found and moved into networks of its own; then all of it is removed, and nothing of the networks is left. The removal is
 * repeated by whoever asks again.
 */
export async function insist(shop: Shop): Promise<void> {
  const { kapal, client } = shop;
  const port = await freePort();
  const forwards = readFileSync(forwarding, 'utf8');
  const declaration = [
    'project: tetap',
    'services:',
    '  - type: web',
    '    name: tetap',
    '    runtime: node',
    '    buildCommand: ""',
    '    startCommand: node server.js',
    '    numInstances: 2',
    '    maxShutdownDelaySeconds: 2',
    '    startTimeoutSeconds: 180',
    '',
  ];
  const server = `require('node:http').createServer((_, response) => response.end('tetap')).listen(${port});\n`;
  const files = { 'kapal.yaml': declaration.join('\n'), 'server.js': server };
  const folder = await kapal.project('tetap', files);
  // To ask again is to deploy what is there already.
  while ((await kapal.run('deploy', folder)).code !== 0) await pause(pace);
  await seen('both instances are ready', async () => {
    const { body } = await client.ask('/services');
    const service = (body as readonly ServiceDocument[]).find((one) => one.service === 'tetap');
    const ready = (service?.instances ?? []).filter(({ state }) => state === 'ready');
    return ready.length === 2 && ready.every(({ address }) => address?.endsWith(`:${port}`) === true);
  });
  await until('visitors reach it', async () => (await kapal.visit('tetap.localhost')).body === 'tetap');
  const { status } = await client.ask('/projects/tetap', { method: 'DELETE' });
  if (status >= 300 && !(status === 404 && client.unanswered > 0)) throw new Error(`removal: ${status}`);
  const left = () => networksOf(installOf(kapal));
  await until(
    () => `nothing is left of its networks: ${left().join()}`,
    () => left().length === 0,
  );
  writeFileSync(forwarding, forwards);
}
