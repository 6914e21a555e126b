import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import { type DaemonDocument, daemonFile, socketFile } from '../../api/contract/places.ts';
import { isMissing } from '../../lib/files.ts';

/** Where the daemon is, and how to be let in. */
export type Address =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly url: URL; readonly token: string };

/** The remote daemon that the environment names, else the one of the data folder. */
export async function findDaemon(data: string, env: Readonly<Record<string, string | undefined>>): Promise<Address> {
  const url = env['KAPAL_API'] ?? '';
  if (url !== '') return remote(url, env['KAPAL_TOKEN'] ?? '');
  const document = await readDaemonFile(data);
  return { kind: 'socket', path: document?.socket ?? join(data, socketFile) };
}

/** What the daemon of a data folder says of itself; null where none has run, or it ended in order. */
export async function readDaemonFile(data: string): Promise<DaemonDocument | null> {
  try {
    const value: unknown = JSON.parse(await readFile(join(data, daemonFile), 'utf8'));
    return isDaemonDocument(value) ? value : null;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw failure('forbidden', `cannot read ${join(data, daemonFile)}`, { cause: error });
  }
}

/** A URL, or `HOST:PORT` as `kapal up` and `kapal token --json` say where the API is. */
function remote(text: string, token: string): Address {
  const written = /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw failure('usage', `KAPAL_API=${text}: expected a URL such as http://127.0.0.1:7700`);
  }
  if (token === '') {
    throw failure('unauthorized', 'KAPAL_API is set, and KAPAL_TOKEN is not', {
      hint: 'On the machine of the daemon, kapal token prints it.',
    });
  }
  return { kind: 'tcp', url, token };
}

function isDaemonDocument(value: unknown): value is DaemonDocument {
  if (typeof value !== 'object' || value === null) return false;
  return 'socket' in value && typeof value.socket === 'string' && 'pid' in value && typeof value.pid === 'number';
}
