import { exec, type ExecResult } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';

/** Milliseconds for one call: each is a few system calls. */
const patience = 10_000;

/** Runs `ip` (iproute2) and answers what it printed. Throws KapalError `runtime_failed` with its words. */
export async function ip(args: readonly string[], input?: string): Promise<string> {
  return said('ip', args, await exec('ip', args, { timeout: patience, ...(input === undefined ? {} : { input }) }));
}

/** Gives nft rules as one transaction: in the network of the namespace at this path, or in the machine's. */
export async function nft(rules: string, namespace: string | null): Promise<void> {
  const options = { timeout: patience, input: rules };
  const result =
    namespace === null
      ? await exec('nft', ['-f', '-'], options)
      : await exec('nsenter', [`--net=${namespace}`, '--', 'nft', '-f', '-'], options);
  said('nft', ['-f', '-'], result);
}

/** The machine's chains, as JSON of nft (libnftables-json(5)). */
export async function nftChains(): Promise<string> {
  const args = ['-j', 'list', 'chains'];
  return said('nft', args, await exec('nft', args, { timeout: patience }));
}

/** Runs a program in the network of a namespace. */
export function inside(namespace: string, argv: readonly string[]): Promise<ExecResult> {
  return exec('nsenter', [`--net=${namespace}`, '--', ...argv], { timeout: patience });
}

export function said(program: string, args: readonly string[], result: ExecResult): string {
  if (result.ok) return result.stdout;
  const words = result.missing ? 'it is not installed' : result.timedOut ? 'it hangs' : result.stderr.trim();
  throw new KapalError('runtime_failed', `${program} ${args.join(' ')}: ${words}`);
}
