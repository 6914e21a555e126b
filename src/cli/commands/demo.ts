import type { Command } from '../command.ts';

export const demo: Command = {
  operands: [],
  options: [{ flags: '--keep', description: 'leave everything running, and print where' }],
  examples: [
    ['demo', 'deploy, break, roll back and kill under load, in a data folder of its own; about a minute'],
    ['demo --json', 'the count of each step, for a program'],
  ],
  async run({ flags, json, host }) {
    const { runDemo } = await import('../demo/demo.ts');
    return runDemo({ json, keep: flags.has('keep') }, host);
  },
};
