import { FullKapal, fillable } from './full-daemon.ts';
const [kind, every, ...names] = process.argv.slice(2);
await using full = await FullKapal.start(kind as 'memory');
for (const step of fillable.filter((s) => names.length === 0 || names.includes(s.name))) {
  const t = performance.now();
  const v = await full.survive(step, { every: Number(every), most: 120 });
  console.log(step.name, v.cases, v.failures.length, v.note, Math.round(performance.now() - t), v.failures.slice(0, 6));
}
