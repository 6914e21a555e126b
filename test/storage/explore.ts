import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
  openSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { TestKapal, hasEnded } from '../e2e/kapal.ts';
import { Shop } from '../crash/steps.ts';
import { placeToolchain } from '../toolchain.ts';
import { visitor, shop as shopFiles } from '../e2e/survival.ts';

const kapal = await TestKapal.prepare({ bare: true });
await placeToolchain(join(kapal.folder, 'toolchain'));
mkdirSync(kapal.data);
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=755', 'none', kapal.data]);
mkdirSync(join(kapal.data, 'toolchain'));
execFileSync('mount', ['--bind', join(kapal.folder, 'toolchain'), join(kapal.data, 'toolchain')]);
await kapal.up();
const shop = new Shop(kapal);
await shop.deploy();
console.log('deployed', statfsSync(kapal.data));
kapal.daemon?.stderr?.on('data', (d: Buffer) => console.log('STDERR', d.toString()));
kapal.daemon?.on('exit', (c, s) => console.log('DAEMON EXIT', c, s));
const filler = join(kapal.data, 'filler');
function fill(leave: number) {
  const file = openSync(filler, 'a');
  const { bsize } = statfsSync(kapal.data);
  for (const chunk of [1 << 20, bsize]) {
    const block = Buffer.alloc(chunk, 1);
    for (;;) {
      if (statfsSync(kapal.data).bavail * bsize < chunk + leave * bsize) break;
      try {
        writeSync(file, block);
      } catch {
        break;
      }
    }
  }
  closeSync(file);
}
await using v = visitor(kapal, 'shop.localhost');
fill(Number(process.argv[2] ?? 0));
console.log('full', statfsSync(kapal.data).bavail);
const t0 = Date.now();
const show = async (...args: string[]) => {
  const t = Date.now();
  const r = await Promise.race([
    kapal.run(...args),
    new Promise<{ code: number; stdout: string; stderr: string }>((res) =>
      setTimeout(res, 20000, { code: -1, stdout: 'HANG', stderr: '' }),
    ),
  ]);
  console.log(`[${Date.now() - t} ms]`, args.join(' '), r.code, (r.stdout + r.stderr).slice(-700).trim());
};
await show('ps');
await show('deploy', await shop.next());
await show('scale', 'shop=3');
await show('env', 'set', 'shop', 'A=b');
await show('domain', 'add', 'shop', 'a.example.com');
await show('restart', 'shop');
const pid = (await kapal.ps())[0]?.instances[0]?.pid;
if (pid) process.kill(-pid, 'SIGKILL');
await new Promise((r) => setTimeout(r, 3000));
await show('ps');
await show('logs', 'shop', '-n', '3');
await show('events', '-n', '5');
console.log('daemon ended?', kapal.daemon && hasEnded(kapal.daemon));
rmSync(filler);
console.log('freed', statfsSync(kapal.data).bavail);
await new Promise((r) => setTimeout(r, 5000));
await show('ps');
await show('deploy', await shop.next());
await show('ps');
await show('domain', 'add', 'shop', 'b.example.com');
await show('scale', 'shop=1');
await show('ps');
console.log(await v.stop());
console.log(
  readFileSync(join(kapal.data, 'logs', 'daemon.log'), 'utf8')
    .split('\n')
    .filter((x) => /"level":(40|50|60)/.test(x))
    .map((x) => x.slice(0, 400))
    .slice(-15)
    .join('\n'),
);
execFileSync('cp', [join(kapal.data, 'logs', 'daemon.log'), '/tmp/w/scratch/daemon.log']);
const bye = await Promise.race([kapal.run('down', '--apps'), new Promise((r) => setTimeout(r, 20000, 'DOWN HANG'))]);
console.log(bye);
