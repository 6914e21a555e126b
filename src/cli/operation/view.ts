import type { OperationEvent } from '../../api/contract/types.ts';
import type { Messages } from '../language/en.ts';
import type { Output, Stream } from '../output.ts';
import { eventLine, noteLine, type View } from './event-line.ts';
import { LiveView } from './live-view.ts';

/** A view that moves on a terminal, lines elsewhere. */
export function createView(out: Output, say: Messages): View {
  return out.err.terminal && out.err.coloured ? new LiveView(out.err, say) : new PlainView(out.err, say);
}

class PlainView implements View {
  readonly #stream: Stream;
  readonly #say: Messages;

  constructor(stream: Stream, say: Messages) {
    this.#stream = stream;
    this.#say = say;
  }

  event(event: OperationEvent): void {
    const line = eventLine(event, this.#stream, this.#say);
    if (line !== null) this.#stream.line(line);
  }

  note(text: string): void {
    this.#stream.line(noteLine(text, this.#stream));
  }

  [Symbol.dispose](): void {
    // Lines stay as they are.
  }
}
