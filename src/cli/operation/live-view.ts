import type { OperationEvent } from '../../api/contract/types.ts';
import type { Messages } from '../language/en.ts';
import type { Stream } from '../output.ts';
import { eventLine, noteLine, stageText, type View } from './event-line.ts';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MILLISECONDS = 100;
/** Cursor up so many lines, then erase to the end of the screen (ECMA-48: CUU, ED). */
const eraseLines = (count: number) => (count === 0 ? '' : `\u001b[${count}A\u001b[J`);

interface Step {
  readonly text: string;
  readonly since: number;
}

/** Lines that stay, and below them one that moves for each service under way, with the time that its step takes. */
export class LiveView implements View {
  readonly #stream: Stream;
  readonly #say: Messages;
  readonly #steps = new Map<string, Step>();
  readonly #timer: NodeJS.Timeout;
  #drawn = 0;

  constructor(stream: Stream, say: Messages) {
    this.#stream = stream;
    this.#say = say;
    this.#timer = setInterval(() => this.#draw(), FRAME_MILLISECONDS);
    this.#timer.unref();
  }

  event(event: OperationEvent): void {
    if (event.kind === 'stage') {
      this.#steps.set(event.service ?? '', { text: stageText(event, this.#say), since: performance.now() });
      return this.#draw();
    }
    if (event.kind === 'service') this.#steps.delete(event.result.service);
    if (event.kind === 'finished' || (event.kind === 'service' && this.#steps.size === 1)) this.#steps.delete('');
    this.#print(eventLine(event, this.#stream, this.#say));
  }

  note(text: string): void {
    this.#print(noteLine(text, this.#stream));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#steps.clear();
    this.#draw();
  }

  #print(line: string | null): void {
    if (line === null) return this.#draw();
    this.#stream.write(`${eraseLines(this.#drawn)}${line}\n`);
    this.#drawn = 0;
    this.#draw();
  }

  #draw(): void {
    const now = performance.now();
    const frame = FRAMES[Math.floor(now / FRAME_MILLISECONDS) % FRAMES.length] ?? '';
    const lines = [...this.#steps].map(([service, step]) => this.#line({ frame, service, step, now }));
    if (lines.length === 0 && this.#drawn === 0) return;
    this.#stream.write(eraseLines(this.#drawn) + lines.map((line) => `${line}\n`).join(''));
    this.#drawn = lines.length;
  }

  /** Never wider than the terminal: a line that wraps could not be erased as one. */
  #line({ frame, service, step, now }: { frame: string; service: string; step: Step; now: number }): string {
    const time = this.#say.seconds(((now - step.since) / 1_000).toFixed(1));
    const plain = this.#stream.safe(`${service === '' ? '' : `${service}: `}${step.text}`);
    const room = Math.max(10, this.#stream.columns - time.length - 5);
    const shown = plain.length > room ? `${plain.slice(0, room - 1)}…` : plain;
    return `${this.#stream.paint('cyan', frame)} ${shown}  ${this.#stream.paint('dim', time)}`;
  }
}
