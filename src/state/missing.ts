import { KapalError } from '../model/errors.ts';

/** For updates of a row that is not there: it was removed while its holder waited for something. */
export function missing(what: string): KapalError {
  return new KapalError('not_found', `${what} is not in the record (any more)`);
}
