import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { median } from './figures.ts';
import { onStage } from './stage.ts';

/**
 * The second deploy of a Node app whose dependencies did not change, against its first: a new service each round, so that the first finds no cache of
 * any kind, as on a new server.
 *
 *   scripts/node24 bench/redeploy.ts [--rounds 3]
 *
 * Figure: the second takes a fifth of the time of the first, or less.
 */
const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } });
const rounds = Number(values.rounds);

/** A usual small backend: a framework, a validator, a logger, a test runner, a compiler, a bundler. */
const manifest = JSON.stringify({
  name: 'shop',
  private: true,
  scripts: { build: 'tsc --version', start: 'node server.js' },
  dependencies: { express: '5.1.0', fastify: '5.6.0', zod: '4.1.5', pino: '9.9.0', lodash: '4.17.21' },
  devDependencies: { typescript: '5.9.2', webpack: '5.101.3', mocha: '11.7.1', eslint: '9.34.0', prettier: '3.6.2' },
});

function server(text: string): string {
  return `const express = require('express');
express().get('/', (_, response) => response.send('${text}')).listen(process.env.PORT, process.env.HOST);
`;
}

/** As a person makes it: on a machine of their own, with caches of their own. */
async function lockFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kapal-bench-lock-'));
  try {
    await writeFile(join(folder, 'package.json'), manifest);
    await promisify(execFile)('npm', ['install', '--package-lock-only', '--ignore-scripts'], { cwd: folder });
    return await readFile(join(folder, 'package-lock.json'), 'utf8');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

await onStage(async (kapal, figures) => {
  await kapal.up();
  const files = { 'package.json': manifest, 'package-lock.json': await lockFile() };
  const firsts: number[] = [];
  const seconds: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    const name = `shop-${round}`;
    for (const [times, text] of [
      [firsts, 'one'],
      [seconds, 'two'],
    ] as const) {
      const folder = await kapal.project(name, { ...files, 'server.js': server(text) });
      const [service] = (await kapal.deploy(folder)).services;
      if ((await kapal.visit(`${name}.localhost`)).body !== text) throw new Error(`${name} does not answer ${text}`);
      times.push(service?.milliseconds.total ?? 0);
    }
    console.log(`round ${round}: first ${firsts.at(-1)} ms, second ${seconds.at(-1)} ms`);
  }
  const ratio = median(firsts) / median(seconds);
  figures.holds(`first ${median(firsts)} ms, second ${median(seconds)} ms: faster by ${ratio.toFixed(1)}`, {
    wanted: 'at least 5',
    is: ratio >= 5,
  });
});
