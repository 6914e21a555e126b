import { readStat, residentBytesOf } from '../src/runtime/process/proc.ts';
import { ProcessSubject } from '../test/conformance/runtime-process.ts';
import { seen } from '../test/patience.ts';
import { Figures, median } from './figures.ts';

/**
 * How long it takes from the moment that a program is over its memory limit until it is known to have ended for that reason, by each way that
 * this machine has: the kernel's control groups, and the driver's own look at what is resident. The program takes 4 MiB every 20 ms.
 *
 * Figure: 5 s at most.
 */
const kills = 8;
const limit = 128 * 1024 * 1024;
const program = 'exec node -e "const kept = []; setInterval(() => kept.push(Buffer.alloc(4 << 20, 1)), 20)"';

const figures = new Figures();
for (const useCgroups of ['auto', 'off'] as const) {
  await using subject = await ProcessSubject.make({ useCgroups });
  const way = subject.runtime.capabilities().memoryLimit ? 'control groups' : 'what is resident';
  const times: number[] = [];
  let most = 0;
  for (let kill = 0; kill < kills; kill += 1) {
    const handle = await subject.runtime.start(await subject.shell(program, { memoryLimit: limit }));
    let over: number | null = null;
    let pid = 0;
    const reason = await seen('its end', async () => {
      const now = await subject.runtime.observe(handle);
      if (now.phase === 'running') pid = now.pid;
      const resident = readStat(pid) === null ? 0 : residentBytesOf(pid);
      most = Math.max(most, resident);
      // Where the kernel stops it at the limit it never gets beyond: a little below is taken for it.
      if (resident > limit * 0.9) over ??= performance.now();
      return now.phase === 'exited' ? now.exit.reason : null;
    });
    if (reason !== 'out-of-memory') figures.fail(`it ended as ${reason}`);
    times.push(performance.now() - (over ?? performance.now()));
    await subject.runtime.dispose(handle);
  }
  console.log(
    `${way}: ${Math.round(median(times))} ms in the middle, ${Math.round(most / 2 ** 20)} MiB at most of 128`,
  );
  figures.atMost(`named, by ${way}, the longest of ${kills}`, {
    value: Math.max(...times) / 1000,
    most: 5,
    unit: ' s',
  });
}
process.exit(figures.reached ? 0 : 1);
