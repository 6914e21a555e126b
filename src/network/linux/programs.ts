import { exec } from '../../lib/exec.ts';

/** The programs that networks are made with, how each is asked whether it is there, and the package that has it. */
const needed = [
  { program: 'ip', args: ['-V'], brought: 'package iproute2' },
  { program: 'nft', args: ['--version'], brought: 'package nftables' },
  { program: 'nsenter', args: ['--version'], brought: 'package util-linux' },
] as const;

/** Why networks cannot be made, as far as that can be said without trying; null where they may. */
export async function missingPrograms(): Promise<string | null> {
  if (process.getuid?.() !== 0)
    return 'only a daemon that runs as root can give each instance a network of its own, in which the port is its alone';
  const found = await Promise.all(needed.map(({ program, args }) => exec(program, args, { timeout: 5_000 })));
  const missing = needed.filter((_, index) => found[index]?.ok !== true);
  if (missing.length === 0) return null;
  const names = missing.map(({ program, brought }) => `${program} (${brought})`).join(' and ');
  return `${names} ${missing.length === 1 ? 'is' : 'are'} missing, with which each instance gets a network of its own`;
}
