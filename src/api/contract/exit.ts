import { catalogue, type ErrorCode, type ErrorDocument, errorDocument, KapalError } from '../../model/errors.ts';
import { nearest } from '../../model/nearest.ts';

/** The exit code of the command line for an error: 1 failed, 2 wrong usage or invalid declaration, 3 no daemon, 4 not allowed. */
export function exitCode(code: ErrorCode): 1 | 2 | 3 | 4 {
  return catalogue[code].exit;
}

/** The HTTP status of the API's answer for an error. */
export function httpStatus(code: ErrorCode): number {
  return catalogue[code].status;
}

/** An error for the user, made on the client's side. */
export function failure(
  code: ErrorCode,
  message: string,
  more: { hint?: string | undefined; cause?: unknown } = {},
): KapalError {
  return new KapalError(code, message, more);
}

/** An error that came over the wire, to be thrown here. */
export function asFailure(document: ErrorDocument): KapalError {
  return new KapalError(document.code, document.message, { hint: document.hint ?? undefined, log: document.log });
}

/** Whether a parsed answer is a FailureDocument of this version's codes. */
export function isFailureDocument(value: unknown): value is { readonly error: ErrorDocument } {
  if (typeof value !== 'object' || value === null || !('error' in value)) return false;
  const { error } = value;
  if (typeof error !== 'object' || error === null) return false;
  if (!('code' in error && 'message' in error && 'hint' in error && 'log' in error)) return false;
  const known = typeof error.code === 'string' && Object.hasOwn(catalogue, error.code);
  const hinted = error.hint === null || typeof error.hint === 'string';
  return known && typeof error.message === 'string' && hinted && Array.isArray(error.log);
}

/** Any thrown thing as the document that travels; what is not a KapalError is `internal`. */
export function failureDocument(error: unknown): ErrorDocument {
  return errorDocument(error);
}

/** `Did you mean X?` where a known word is near, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known);
  return near === null ? undefined : `Did you mean ${near}?`;
}
