import type { TerminalSizeRequest } from '../api/contract/types.ts';
import type { CliHost } from './host.ts';

/** The user's terminal while a job has it: raw, so that every key goes to the job. Disposing gives it back as it was. */
export interface LocalTerminal extends Disposable {
  size(): TerminalSizeRequest;
  onResize(resized: (size: TerminalSizeRequest) => void): void;
  /** What is typed. */
  input(): AsyncIterable<Uint8Array>;
}

/** Null unless both ends are a terminal. Node itself restores a raw terminal when the process exits, or is ended by SIGTERM or SIGINT. */
export function localTerminal({ stdin, stdout }: CliHost): LocalTerminal | null {
  const { setRawMode } = stdin;
  if (stdin.isTTY !== true || stdout.isTTY !== true || setRawMode === undefined) return null;
  const size = () => ({ rows: stdout.rows || 24, columns: stdout.columns || 80 });
  const listeners: (() => void)[] = [];
  setRawMode.call(stdin, true);
  let isRaw = true;
  return {
    size,
    onResize(resized) {
      const changed = () => resized(size());
      listeners.push(changed);
      stdout.on('resize', changed);
    },
    input: () => stdin as AsyncIterable<Uint8Array>,
    [Symbol.dispose]() {
      for (const changed of listeners.splice(0)) stdout.off('resize', changed);
      if (isRaw) setRawMode.call(stdin, false);
      isRaw = false;
    },
  };
}
