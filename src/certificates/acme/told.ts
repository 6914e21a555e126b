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

/** Times that a request is begun again when the authority keeps refusing its nonces; the library itself tries each six times. */
const nonceTries = 5;

/** As `told`, for a request that may be made again: one whose nonce was refused has not been looked at (RFC 8555 6.5). */
export async function asked<T>(request: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await told(request());
    } catch (error) {
      const nonce = error instanceof AcmeProblem && /nonce/i.test(error.message);
      if (!nonce || tries >= nonceTries) throw error;
    }
  }
}
