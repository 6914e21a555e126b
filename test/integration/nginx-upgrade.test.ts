import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { locateNginx, type NginxPlaces, usualPlaces } from '../../src/edge/nginx/locate.ts';
import { until } from '../patience.ts';
import { get, Load, startBackend, tableTo } from './edge-fixture.ts';
import { type Changes, commented, versionWith } from './edge-version.ts';
import { complaintsOf, masterPid, NginxGround, processesIn } from './nginx-ground.ts';

/** The nginx of this machine as a program that the test may replace, as a package manager does. */
class Installed {
  readonly #original: string;
  readonly #path: string;

  private constructor(original: string, path: string) {
    this.#original = original;
    this.#path = path;
    this.replace();
  }

  static async in(ground: NginxGround): Promise<Installed> {
    const found = await locateNginx();
    assert.ok(found.found);
    return new Installed(found.program, join(ground.root, 'nginx'));
  }

  get places(): NginxPlaces {
    return { ...usualPlaces, programs: [this.#path] };
  }

  /** The same program as another file, under the same name. */
  replace(): void {
    copyFileSync(this.#original, `${this.#path}.new`);
    renameSync(`${this.#path}.new`, this.#path);
  }

  /** One that ends at once where it is to inherit sockets, and is sound elsewhere. */
  replaceByHeirless(): void {
    writeFileSync(`${this.#path}.new`, `#!/bin/sh\n[ -z "$NGINX" ] || exit 1\nexec ${this.#original} "$@"\n`);
    chmodSync(`${this.#path}.new`, 0o755);
    renameSync(`${this.#path}.new`, this.#path);
  }
}

interface Serving extends AsyncDisposable {
  readonly ground: NginxGround;
  readonly port: number;
  /** Answers what was asked for at `/slow`. */
  readonly finish: () => void;
}

/** An edge's folder, and a backend that answers 200. */
async function serving(): Promise<Serving> {
  const ground = await NginxGround.make();
  const held: (() => void)[] = [];
  const backend = await startBackend((request, response) => {
    if (request.url === '/slow') held.push(() => response.end('late'));
    else response.end('ok');
  });
  return {
    ground,
    port: backend.port,
    finish: () => held.splice(0).forEach((answer) => answer()),
    [Symbol.asyncDispose]: async () => {
      await ground[Symbol.asyncDispose]();
      await backend[Symbol.asyncDispose]();
    },
  };
}

describe('upgrades of the nginx edge', () => {
  test('a program that was replaced on disk takes over on the same sockets, with the same state, and nobody is refused', async () => {
    await using front = await serving();
    const { ground, port, finish } = front;
    const installed = await Installed.in(ground);
    const first = ground.edge({ places: installed.places });
    await first.ensure();
    await first.apply(tableTo(3, [port]));
    await using load = new Load(ground.port, 6);
    await load.answered(30);
    for (const round of [1, 2]) {
      const master = masterPid(ground.folder);
      const slow = get(ground.port, '/slow');
      await until('the slow request at its endpoint', async () => (await first.inFlight()).get('p1') !== undefined);
      installed.replace();
      const edge = ground.edge({ places: installed.places });
      const { workers } = await edge.ensure();
      assert.notEqual(masterPid(ground.folder), master, `round ${round}`);
      assert.deepEqual(
        workers.map(({ version }) => version),
        [3, 3],
      );
      assert.ok((await edge.inFlight()).get('p1') !== undefined, 'what the old workers have under way counts');
      await load.answered(30);
      finish();
      assert.equal((await slow).body, 'late', 'and is finished');
      await until('the old ones to end', () => processesIn(ground.folder).length === 3);
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    await until('nothing under way', async () => (await first.inFlight()).size === 0);
    assert.equal(ground.notes.filter((note) => note.includes('has taken over')).length, 2);
    await first.apply(tableTo(4, []));
    assert.equal((await get(ground.port)).status, 503, 'it takes changes as before');
  });

  test('a program that does not come to take over leaves the one that runs', async () => {
    await using front = await serving();
    const { ground, port } = front;
    const installed = await Installed.in(ground);
    const edge = ground.edge({ places: installed.places });
    const { workers } = await edge.ensure();
    await edge.apply(tableTo(1, [port]));
    const master = masterPid(ground.folder);
    await using load = new Load(ground.port);
    installed.replaceByHeirless();
    const next = ground.edge({ places: installed.places });
    const now = await next.ensure();
    assert.equal(masterPid(ground.folder), master);
    assert.deepEqual(
      now.workers.map(({ pid }) => pid),
      workers.map(({ pid }) => pid),
    );
    assert.ok(ground.notes.some((note) => note.includes('serves on')));
    await load.answered(20);
    await load.stop();
    assert.deepEqual(load.failures, []);
    // Once the disk has a sound one again.
    installed.replace();
    await ground.edge({ places: installed.places }).ensure();
    assert.notEqual(masterPid(ground.folder), master);
    assert.equal((await get(ground.port)).body, 'ok');
  });

  test('other Lua is taken over by the same master; Lua that fails is found out before anybody meets it', async () => {
    await using front = await serving();
    const { ground, port } = front;
    const edge = ground.edge();
    await edge.ensure();
    await edge.apply(tableTo(1, [port]));
    const master = masterPid(ground.folder);
    await using load = new Load(ground.port);
    const upgrade = async (name: string, changes: Changes): Promise<readonly number[]> => {
      const { nginx } = await versionWith(join(ground.root, name), changes);
      const { workers } = await nginx.createNginxEdge(ground.options).ensure();
      return workers.map(({ pid }) => pid);
    };
    const sound = await upgrade('sound', commented('sound'));
    assert.match(readFileSync(join(ground.folder, 'nginx.conf'), 'utf8'), /engine-[0-9a-f]{16}/);
    const broken = await upgrade('broken', {
      'edge/nginx/lua/kapal/route.lua': (text) => text.replace(/^function M\.access\(.*$/m, '$& error("not today")'),
    });
    assert.deepEqual(broken, sound, 'the ones before serve on');
    assert.ok(
      ground.notes.some((note) => note.includes('rehearsal') && note.includes('not today')),
      ground.notes.join(),
    );
    await load.answered(20);
    await load.stop();
    assert.deepEqual(load.failures, []);
    assert.equal(masterPid(ground.folder), master);
    assert.ok(!complaintsOf(ground.folder).some((line) => line.includes('not today')));
    await until('nothing of the rehearsal is left', () => processesIn(join(ground.folder, 'rehearsal')).length === 0);
  });

  test('a master that somebody has stopped goes on, and what it missed is made good', async () => {
    await using front = await serving();
    const { ground } = front;
    const edge = ground.edge();
    const { workers } = await edge.ensure();
    const master = masterPid(ground.folder);
    process.kill(master, 'SIGSTOP');
    await until('it is noticed', () => !edge.isAlive());
    process.kill(workers[0]?.pid ?? 0, 'SIGKILL');
    await until('two workers again', async () => (await edge.ensure()).workers.length === 2);
    assert.equal(masterPid(ground.folder), master);
    assert.ok(edge.isAlive());
  });
});
