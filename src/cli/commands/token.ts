import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import { tokenFile } from '../../api/contract/places.ts';
import { errorCode, isMissing } from '../../lib/files.ts';
import { readDaemonFile } from '../client/address.ts';
import type { Command } from '../command.ts';

export const token: Command = {
  operands: [],
  options: [{ flags: '--path', description: 'print the file that holds it instead' }],
  examples: [
    ['token', 'for the header Authorization: Bearer TOKEN, or KAPAL_TOKEN on another machine'],
    ['token --json', 'with the address of the API'],
  ],
  async run({ flags, data, out, json }) {
    const path = join(data, tokenFile);
    const value = (await read(path, data)).trim();
    const api = (await readDaemonFile(data))?.api ?? null;
    if (json) out.json({ token: value, path, api });
    else out.out.line(flags.has('path') ? path : value);
    return 0;
  },
};

async function read(path: string, data: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) {
      throw failure('not_found', `the data folder ${data} has no token yet`, {
        hint: `The daemon makes it: kapal up --data ${data}`,
      });
    }
    if (errorCode(error) === 'EACCES') {
      throw failure('forbidden', `this user may not read ${path}`, {
        hint: 'Run the command as the user of the daemon.',
        cause: error,
      });
    }
    throw error;
  }
}
