import type { Dependencies } from './dependencies.ts';
import { runOf } from './routing.ts';
import type { InstanceRow } from '../state/records.ts';

/** Lines of an attempt that are looked at: it says why it ends among the last. */
const lookedAt = 50;

/** The port that the instance's last attempt could not have, by what it printed; null where it said nothing of one. */
export async function wantedPort(
  { logs }: Pick<Dependencies, 'logs'>,
  instance: Pick<InstanceRow, 'id' | 'attempt'>,
): Promise<number | null> {
  const run = runOf(instance);
  await logs.flush(run);
  const lines = await logs.query({ run, kinds: ['app'], limit: lookedAt });
  return portInUse(lines.map(({ text }) => text));
}

/**
 * Pure. EADDRINUSE in the words of runtimes and frameworks, with the port in the same line (Node, Go, Python's uvicorn and gunicorn, Puma, PHP) or in a line
 * beside it (Spring Boot: `Port 8080 was already in use`, Rust's and Flask's two lines).
 */
export function portInUse(lines: readonly string[]): number | null {
  const said = lines.flatMap((line, index) => (inUse.test(line) ? [index] : []));
  const own = said.flatMap((index) => portIn(lines[index] ?? '') ?? []);
  const beside = said.flatMap((index) =>
    [lines[index - 1], lines[index + 1]].flatMap((line) => portIn(line ?? '') ?? []),
  );
  return own.at(-1) ?? beside.at(-1) ?? null;
}

/** What stands after the words comes before what stands ahead of them: a line may begin with a time. */
function portIn(line: string): number | null {
  const words = inUse.exec(line)?.index ?? 0;
  const found = [...line.matchAll(portText)]
    .map((match) => ({ port: Number(match[1] ?? match[2]), at: match.index }))
    .filter(({ port }) => port > 0 && port < 65_536);
  return (found.find(({ at }) => at >= words) ?? found.at(-1))?.port ?? null;
}

const inUse =
  /EADDRINUSE|(?:address|connection) (?:is )?(?:already )?in use|port \d+ (?:was|is) (?:already )?in use|Errno 98|os error 98/i;

/** `:8080`, `port 8080`, `port: 8080`, `('0.0.0.0', 8080)`; no part of a time, and no line of a file. */
const portText = /(?:(?<!\d|\.[a-z]+|\w\/\S*):|(?<=\d\.\d+):|\bport:?\s+)(\d{2,5})\b(?!:\d)|',\s*(\d{2,5})\)/gi;
