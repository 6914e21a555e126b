import type { Invocation } from '../command.ts';
import type { ConversionNote, ExportedDeclaration, ImportNote } from '../host.ts';
import type { Colour } from '../output.ts';

const colours: Readonly<Record<ConversionNote['kind'], Colour>> = {
  carried: 'green',
  warned: 'yellow',
  refused: 'red',
};

/** What became of each field, on stderr: the declaration alone is on stdout. */
export function printImportNotes(invocation: Invocation, notes: readonly ImportNote[]): void {
  for (const { file, line, column, field, kind, message } of notes)
    print(invocation, { kind, text: `${file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${message}` });
}

export function printExportNotes(
  invocation: Invocation,
  { notes, warnings }: Pick<ExportedDeclaration, 'notes' | 'warnings'>,
): void {
  const { out, say } = invocation;
  for (const { file, line, column, message } of warnings)
    out.err.line(
      `${out.err.paint('yellow', `${say.warning}:`)} ${out.err.safe(`${file}:${line}:${column}: ${message}`)}`,
    );
  for (const { kind, field, message } of notes) print(invocation, { kind, text: `${field}: ${message}` });
}

function print(
  { out: { err }, say }: Invocation,
  { kind, text }: { kind: ConversionNote['kind']; text: string },
): void {
  err.line(`${err.paint(colours[kind], `${say.conversions[kind]}:`)} ${err.safe(text)}`);
}
