import { stripVTControlCharacters } from 'node:util';
import type { Terminal } from './host.ts';

export type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold';

/** SGR parameters (ECMA-48, 8.3.117). */
const SGR: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
const NORMAL_WIDTH = 80;

/** The two streams of a command: answers on `out`, progress and errors on `err`. */
export class Output {
  readonly out: Stream;
  readonly err: Stream;
  readonly #broken = new AbortController();

  constructor(streams: { stdout: Terminal; stderr: Terminal; env: Readonly<Record<string, string | undefined>> }) {
    const plain = (streams.env['NO_COLOR'] ?? '') !== '' || streams.env['TERM'] === 'dumb';
    this.out = new Stream(streams.stdout, plain, () => this.#broken.abort());
    this.err = new Stream(streams.stderr, plain, () => undefined);
  }

  /** Aborts when nobody reads stdout any more (`kapal logs -f api | head -1`). */
  get closed(): AbortSignal {
    return this.#broken.signal;
  }

  /** One JSON document. */
  json(document: unknown): void {
    this.out.line(JSON.stringify(document));
  }
}

/** A stream of lines that survives its reader. */
export class Stream {
  readonly terminal: boolean;
  readonly #stream: Terminal;
  readonly #coloured: boolean;
  #open = true;

  constructor(stream: Terminal, plain: boolean, onClosed: () => void) {
    this.#stream = stream;
    this.terminal = stream.isTTY === true;
    this.#coloured = this.terminal && !plain;
    // EPIPE: the reader has gone, as `head` does. What is left to say is said to nobody.
    stream.on('error', () => {
      this.#open = false;
      onClosed();
    });
  }

  get columns(): number {
    // A terminal without a size says 0.
    return this.#stream.columns || NORMAL_WIDTH;
  }

  get coloured(): boolean {
    return this.#coloured;
  }

  write(text: string): void {
    if (this.#open) this.#stream.write(text);
  }

  line(text = ''): void {
    this.write(`${text}\n`);
  }

  paint(colour: Colour, text: string): string {
    return this.#coloured && text !== '' ? `\u001b[${SGR[colour]}m${text}\u001b[0m` : text;
  }

  /** Text of strangers (logs, subjects of commits): what could move the cursor or change the terminal is taken out; colours stay where there are any. */
  safe(text: string): string {
    const pieces = text.split(COLOUR);
    if (pieces.length === 1 || !this.#coloured)
      return pieces
        .filter((_, index) => index % 2 === 0)
        .map(harmless)
        .join('');
    return `${pieces.map((piece, index) => (index % 2 === 0 ? harmless(piece) : `\u001b[${piece}m`)).join('')}\u001b[0m`;
  }
}

// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const COLOUR = /\u001b\[([0-9;]*)m/;
// oxlint-disable-next-line no-control-regex -- as above; tab stays, and what turns the direction of writing goes
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

function harmless(text: string): string {
  return stripVTControlCharacters(text).replaceAll(CONTROLS, '');
}

/** Rows as columns two blanks apart, without blanks at the ends of lines. Widths are counted without colours. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd(),
  );
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
