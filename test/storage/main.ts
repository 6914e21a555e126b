import { killedMigrations } from './migrations.ts';
const t = performance.now();
for (const v of [killedMigrations({ every: 1 })])
  console.log(v.what, v.cases, v.failures.length, v.failures.slice(0, 5));
console.log(performance.now() - t);
