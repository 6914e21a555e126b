import type { FailureDocument } from '../api/contract/types.ts';
import type { Messages } from './language/en.ts';
import type { Output, Stream } from './output.ts';

type ErrorDocument = FailureDocument['error'];

/** Says why a command failed: as the only JSON document, or for people on stderr. */
export function reportFailure(
  out: Output,
  error: ErrorDocument,
  { json, say }: { json: boolean; say: Messages },
): void {
  if (json) out.json({ error } satisfies FailureDocument);
  else printFailure(out.err, error, say);
}

/** What failed, where, the last lines, and what to do next. */
export function printFailure(stream: Stream, error: ErrorDocument, say: Messages): void {
  const message = error.message
    .split('\n')
    .map((line) => stream.safe(line))
    .join('\n  ');
  stream.line(`${stream.paint('red', `${say.error}:`)} ${message} ${stream.paint('dim', `(${error.code})`)}`);
  printDetails(stream, error, say);
}

/** Last lines and hint, where an error has them. */
export function printDetails(stream: Stream, { log, hint }: Pick<ErrorDocument, 'log' | 'hint'>, say: Messages): void {
  if (log.length > 0) {
    stream.line(`  ${say.lastLines}:`);
    for (const text of log) stream.line(`  ${stream.paint('dim', '|')} ${stream.safe(text)}`);
  }
  if (hint !== null && hint !== '') stream.line(`  ${stream.paint('cyan', `${say.hint}:`)} ${stream.safe(hint)}`);
}
