import { createInterface } from 'node:readline';
import { sampleOf } from './sample.ts';

/** The process that looks: argv is `{data}` as JSON; each line of stdin is answered with a sample, as a list of pairs. */
const { data } = JSON.parse(process.argv[2] ?? '{}') as { readonly data: string };
for await (const _line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify([...(await sampleOf(data))])}\n`);
