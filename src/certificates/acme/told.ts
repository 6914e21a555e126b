import { errorCode } from '../../lib/files.ts';
import { AcmeProblem } from '../port.ts';

/** Waits for the library's answer; what it throws becomes an AcmeProblem. */
export async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof AcmeProblem) throw error;
    const message = error instanceof Error ? error.message : String(error);
    const code = errorCode(error);
    throw new AcmeProblem(code === null || message.includes(code) ? message : `${message} (${code})`, {
      type: null,
      status: null,
      cause: error,
    });
  }
}
