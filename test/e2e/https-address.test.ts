import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import type { DomainDocument, FailureDocument, StatusDocument } from '../../src/api/contract/types.ts';
import { leftovers, processesOf, usersOf } from './install.ts';
import { type Ran, TestKapal, until } from './kapal.ts';
import { askSecurely } from './secure-visitors.ts';
import { ask } from './survival.ts';

/** Where HTTPS is served unless told, at the address of plain HTTP. */
const defaultPort = process.getuid?.() === 0 ? 443 : 8443;

/** A Kapal on a loopback address of its own, so that the default port there is nobody else's. */
class Install implements AsyncDisposable {
  readonly kapal: TestKapal;
  readonly address = `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 255)}`;
  readonly #engine: string;

  private constructor(kapal: TestKapal, engine: string) {
    this.kapal = kapal;
    this.#engine = engine;
  }

  static async prepare(engine: string): Promise<Install> {
    return new Install(await TestKapal.prepare(), engine);
  }

  /** `kapal up` in the background. */
  up(...flags: readonly string[]): Promise<Ran> {
    const { data, http, api } = this.kapal;
    const places = ['--data', data, '--http', `${this.address}:${http}`, '--api', `127.0.0.1:${api}`];
    return this.kapal.run('up', '--detach', ...places, '--edge', this.#engine, ...flags);
  }

  /** Of a daemon and an edge that go on, or nothing. */
  edge(): number[] {
    return processesOf(this.kapal).flatMap(({ role, pid }) => (role === 'edge' ? [pid] : []));
  }

  /** Status of the answer to plain HTTP. */
  async visit(): Promise<number> {
    const asked = get({
      host: this.address,
      port: this.kapal.http,
      headers: { host: 'web.localhost' },
      agent: false,
      timeout: 60_000,
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer within 60 s')));
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
    answer.resume();
    return answer.statusCode;
  }

  async certificate(): Promise<DomainDocument['certificate']> {
    const [domain] = await this.kapal.json<readonly DomainDocument[]>(['domain', 'list', 'web']);
    assert.ok(domain !== undefined);
    return domain.certificate;
  }

  /** A daemon in the background says why it ends, then ends. */
  async nothingLeft(): Promise<void> {
    let left: readonly string[] = [];
    await until('nothing is left', async () => {
      left = [...leftovers(this.kapal), ...usersOf(this.kapal)];
      return left.length === 0;
    }).catch((error: unknown) => {
      throw new Error(left.join('\n'), { cause: error });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kapal.run('project', 'remove', 'shop', '--yes');
    await this.kapal.run('down', '--apps');
    await this.nothingLeft();
    await this.kapal.discard();
  }
}

/** A program that has the port, and would share it with whoever asks the kernel for that. */
async function holder(host: string, port: number): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.end());
  server.listen({ host, port, reusePort: true });
  await once(server, 'listening');
  return { [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())) };
}

const page = {
  'index.html': '<h1>toko</h1>',
  'kapal.yaml': 'project: shop\nservices:\n  - {type: static, name: web}\n',
};

for (const engine of ['nginx', 'embedded'])
  describe(`a port for HTTPS that another program has, with the edge ${engine}`, () => {
    test('that nobody asked for: the daemon starts without HTTPS and says so, until the port is free', async () => {
      await using install = await Install.prepare(engine);
      const { kapal, address } = install;
      const at = `${address}:${defaultPort}`;
      const held = await holder(address, defaultPort);
      {
        await using other = held;
        void other;
        const started = await install.up();
        assert.equal(started.code, 0, started.stderr);
        const note = new RegExp(
          `HTTPS is not served: ${RegExp.escape(at)} is held by \\S+ \\(pid ${process.pid}\\); choose a port with --https`,
        );
        assert.match(started.stderr, note);
        assert.doesNotMatch(started.stdout, /https:\/\//);
        await kapal.deploy(await kapal.project('site', page));
        assert.equal(await install.visit(), 200);
        const { problem, hint } = await install.certificate();
        assert.equal(problem, 'HTTPS is not served');
        assert.match(hint ?? '', /--https/);
        assert.equal(((await ask(kapal, '/status')).body as StatusDocument).https, null);

        const before = install.edge();
        assert.equal((await kapal.run('down')).code, 0);
        const again = await install.up();
        assert.deepEqual([again.code, note.test(again.stderr)], [0, true], again.stderr);
        assert.deepEqual(install.edge(), before, 'what serves is left alone by a daemon that looks for HTTPS again');
      }
      assert.equal((await kapal.run('down')).code, 0);
      const served = await install.up();
      assert.deepEqual([served.code, served.stderr], [0, '']);
      assert.match(served.stdout, new RegExp(`https://${RegExp.escape(at)}$`, 'm'));
      await until('its certificate', async () => (await install.certificate()).state === 'valid');
      const ca = await readFile((await install.certificate()).root ?? '', 'utf8');
      const target = { address, port: defaultPort, host: 'web.localhost', ca };
      await until('HTTPS', () =>
        askSecurely(target).then(
          ({ status }) => status === 200,
          () => false,
        ),
      );
      assert.equal(await install.visit(), 200);
    });

    test('that was asked for: refused with who has it and what to do, and nothing is left', async () => {
      await using install = await Install.prepare(engine);
      const at = `${install.address}:${defaultPort}`;
      await using other = await holder(install.address, defaultPort);
      void other;
      const refused = await install.up('--https', at);
      assert.equal(refused.code, 1, refused.stdout);
      assert.match(
        refused.stderr,
        new RegExp(`${RegExp.escape(at)} is held by \\S+ \\(pid ${process.pid}\\)[\\s\\S]*\\(port_taken\\)`),
      );
      assert.match(refused.stderr, /choose another address for HTTPS with --https HOST:PORT/);
      await install.nothingLeft();
      const document = JSON.parse((await install.up('--https', at, '--json')).stdout) as FailureDocument;
      assert.equal(document.error.code, 'port_taken');
      await install.nothingLeft();
      const without = await install.up('--https', 'none');
      assert.deepEqual([without.code, without.stderr], [0, '']);
    });

    test('where plain HTTP is taken as well, that is what is refused', async () => {
      await using install = await Install.prepare(engine);
      const { address, kapal } = install;
      await using https = await holder(address, defaultPort);
      await using http = await holder(address, kapal.http);
      void [https, http];
      const refused = await install.up();
      assert.equal(refused.code, 1, refused.stdout);
      assert.match(
        refused.stderr,
        new RegExp(`${RegExp.escape(`${address}:${kapal.http}`)} is held by[\\s\\S]*--http `),
      );
      await install.nothingLeft();
    });

    test('is no matter at another address: two Kapals have it at once, and each keeps it over a restart', async () => {
      await using one = await Install.prepare(engine);
      await using two = await Install.prepare(engine);
      for (const install of [one, two, one, two]) {
        await install.kapal.run('down');
        const edge = install.edge();
        const { code, stdout, stderr } = await install.up();
        assert.deepEqual([code, stderr], [0, '']);
        assert.ok(stdout.includes(`https://${install.address}:${defaultPort}\n`), stdout);
        if (edge.length > 0) assert.deepEqual(install.edge(), edge);
      }
    });
  });
