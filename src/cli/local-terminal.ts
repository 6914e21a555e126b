import { launch } from '../lib/exec.ts';
import type { TerminalSizeRequest } from '../api/contract/job-types.ts';
import type { CliHost } from './host.ts';

/** The user's terminal while a job has it: raw, so that every key goes to the job. Disposing gives it back as it was. */
export interface LocalTerminal extends Disposable {
  size(): TerminalSizeRequest;
  onResize(resized: (size: TerminalSizeRequest) => void): void;
  /** What is typed. */
  input(): AsyncIterable<Uint8Array>;
}

/**
 * Node leaves the terminal to make a carriage return and a line feed of each line feed, which garbles what moves the cursor: the job's own terminal has done
 * that already. The mode that Node restores is the one before both.
 */
async function passOutput(): Promise<void> {
  const stty = launch('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  await new Promise<void>((resolve) => {
    stty.once('error', () => resolve());
    stty.once('exit', () => resolve());
  });
}

/** Null unless both ends are a terminal. Node itself restores a raw terminal when the process exits, or is ended by SIGTERM or SIGINT. */
export async function localTerminal({ stdin, stdout }: CliHost): Promise<LocalTerminal | null> {
  const { setRawMode } = stdin;
  if (stdin.isTTY !== true || stdout.isTTY !== true || setRawMode === undefined) return null;
  const size = () => ({ rows: stdout.rows || 24, columns: stdout.columns || 80 });
  const listeners: (() => void)[] = [];
  setRawMode.call(stdin, true);
  let isRaw = true;
  await passOutput();
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
