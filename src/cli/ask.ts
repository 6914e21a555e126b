import { createInterface } from 'node:readline/promises';
import type { Invocation } from './command.ts';

/** Asks a question that is answered by y (yes) or y (ya); anything else, and the end of the input, is no. Only where stdin is a terminal. */
export async function confirm({ host }: Pick<Invocation, 'host'>, question: string): Promise<boolean> {
  const lines = createInterface({ input: host.stdin, output: host.stderr });
  const ended = new AbortController();
  lines.once('close', () => ended.abort());
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: ended.signal });
    return /^y(?:es|a)?$/i.test(answer.trim());
  } catch {
    return false;
  } finally {
    lines.close();
  }
}
