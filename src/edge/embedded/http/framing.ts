import { token } from './chars.ts';
import { field, type FieldTable } from './fields.ts';

/** 1*DIGIT below 2^53, or -1: signs, lists, spaces, hexadecimal and empty values are all refused (RFC 9110 8.6). */
export function contentLengthOf(value: string): number {
  const digits = value.length;
  if (digits === 0 || digits > 15) return -1;
  let length = 0;
  for (let i = 0; i < digits; i += 1) {
    const digit = value.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

/** Several fields of one name as one list (RFC 9110 5.3). */
export function listed(before: string | null, value: string): string {
  return before === null ? value : `${before}, ${value}`;
}

/** The options of Connection in lower case, `null` where one is not a token. */
export function namedByConnection(value: string): string[] | null {
  const lower = value.toLowerCase();
  if (lower === 'keep-alive' || lower === 'close' || lower === 'upgrade') return [lower];
  const options: string[] = [];
  for (const part of lower.split(',')) {
    const option = part.replace(/^[ \t]+|[ \t]+$/g, '');
    if (option === '') continue;
    if (!isToken(option)) return null;
    options.push(option);
  }
  return options;
}

function isToken(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 255 || token[code] === 0) return false;
  }
  return text.length > 0;
}

export interface KeptFieldsOf {
  readonly table: FieldTable;
  /** The head as text; positions of `table` minus `start` are positions in it. */
  readonly text: string;
  readonly start: number;
}

/**
 * The lines that are forwarded, each as `Name: value CRLF`, in their order. Those that the edge writes itself or that end here are left
 * out, and so are the ones in `named` (lower case). Runs of lines that are in this form already are taken over in one piece.
 */
export function keptFields({ table, text, start }: KeptFieldsOf, named: readonly string[]): string {
  let kept = '';
  let runStart = -1;
  let runEnd = -1;
  for (let k = 0; k < table.count; k += 1) {
    if (!isKept(table.kind[k] as number)) continue;
    const lineStart = (table.lineStart[k] as number) - start;
    const nameEnd = (table.nameEnd[k] as number) - start;
    if (named.length > 0 && named.includes(text.slice(lineStart, nameEnd).toLowerCase())) continue;
    const valueStart = (table.valueStart[k] as number) - start;
    const valueEnd = (table.valueEnd[k] as number) - start;
    const lineEnd = (table.lineEnd[k] as number) - start;
    if (valueEnd === lineEnd - 2 && valueStart === nameEnd + 2 && text.charCodeAt(nameEnd + 1) === 32) {
      if (runEnd !== lineStart) {
        if (runStart !== -1) kept += text.slice(runStart, runEnd);
        runStart = lineStart;
      }
      runEnd = lineEnd;
      continue;
    }
    if (runStart !== -1) kept += text.slice(runStart, runEnd);
    runStart = -1;
    runEnd = -1;
    kept += `${text.slice(lineStart, nameEnd)}: ${text.slice(valueStart, valueEnd)}\r\n`;
  }
  return runStart === -1 ? kept : kept + text.slice(runStart, runEnd);
}

function isKept(kind: number): boolean {
  return (
    kind === field.other ||
    kind === field.accept ||
    kind === field.userAgent ||
    kind === field.referer ||
    kind === field.date
  );
}
