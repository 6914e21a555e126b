import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LoadGenerator } from '../src/cli/demo/load.ts';
import type { TestKapal } from '../test/e2e/kapal.ts';

export type Fault = 'none' | 'crashes at boot' | 'fails its health check';

/** `examples/toko` as its developer might have it at one moment: every version differs, so every deploy builds and rolls out. */
export class Shop {
  readonly #folder: string;
  #version = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(kapal: TestKapal): Promise<Shop> {
    const shop = new Shop(await kapal.example('toko'));
    // A version whose health check fails must not take the bench's time.
    await shop.#edit('kapal.yaml', /startTimeoutSeconds: \d+/, 'startTimeoutSeconds: 3');
    return shop;
  }

  /** The folder to deploy. */
  get folder(): string {
    return this.#folder;
  }

  async change(fault: Fault): Promise<void> {
    this.#version += 1;
    await this.#edit('package.json', /"version": "[^"]+"/, `"version": "${this.#version}.0.0"`);
    await this.#edit(
      'server.js',
      /^(throw new Error\('no prices'\);\n)?/,
      fault === 'crashes at boot' ? "throw new Error('no prices');\n" : '',
    );
    await this.#edit('health.js', /status: (200|500)/, `status: ${fault === 'fails its health check' ? 500 : 200}`);
  }

  async #edit(name: string, from: RegExp, to: string): Promise<void> {
    const path = join(this.#folder, name);
    const text = await readFile(path, 'utf8');
    if (!from.test(text)) throw new Error(`${path} is not as the bench expects it`);
    await writeFile(path, text.replace(from, to));
  }
}

/** 500 requests a second to the shop through the edge: half of them on connections of their own, GET and POST. */
export function shopLoad(kapal: TestKapal): LoadGenerator {
  return new LoadGenerator(
    {
      host: '127.0.0.1',
      port: kapal.http,
      hostHeader: `toko.localhost:${kapal.http}`,
      rate: 500,
      timeout: 10_000,
      requests: [
        { method: 'GET', path: '/whoami' },
        { method: 'GET', path: '/products?q=kopi&limit=3' },
        { method: 'POST', path: '/echo', body: JSON.stringify({ order: 7, items: ['kopi', 'teh'] }) },
      ],
      answerKey: 'instance',
    },
    process.execPath,
  );
}
