import { KapalError } from '../model/errors.ts';
import type { Dependencies } from './dependencies.ts';
import { bytesText } from './disk-decision.ts';

/** Of the machine's memory, and at most so much: what serves needs some to go on. */
const share = 0.05;
const most = 256 * 1024 * 1024;

/** Throws `memory_low` while there is too little memory to begin a build: it would drive out what serves. */
export async function admitMemory({ memory }: Pick<Dependencies, 'memory'>): Promise<void> {
  const seen = await memory();
  if (seen === null) return;
  const floor = Math.min(most, seen.total * share);
  if (seen.available >= floor) return;
  throw new KapalError(
    'memory_low',
    `no build is begun: only ${bytesText(seen.available)} of ${bytesText(seen.total)} of memory are available, and ${bytesText(floor)} are to stay free`,
    { hint: 'Stop or scale down something, or deploy again later; what runs goes on running.' },
  );
}
