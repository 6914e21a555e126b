import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { askApi } from '../e2e/api.ts';
import { processesOf, text } from '../e2e/install.ts';
import { below } from './invariants.ts';
import { secrets, type Shop } from './shop.ts';

/** What a client may read without asking for values. */
const paths = [
  '/status',
  '/services',
  '/events',
  '/edge/config',
  ...['releases', 'variables', 'domains', 'logs'].map((what) => `/services/shop/${what}`),
];

/** I7: where a planted secret stands although it must not. */
export async function exposed(shop: Shop): Promise<string[]> {
  const { kapal, client } = shop;
  const found: string[] = [];
  const look = (where: string, content: string): void => {
    for (const [service, secret] of Object.entries(secrets))
      if (content.includes(secret)) found.push(`I7: the secret of ${service} stands in ${where}`);
  };
  for (const entry of below(kapal.data)) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) look(path, contentOf(path));
  }
  const asked = [...paths, ...client.told.map(({ id }) => `/operations/${id}`)];
  for (const path of asked) look(`the answer to ${path}`, JSON.stringify((await askApi(kapal.data, path)).body));
  for (const { pid, role, run, command } of processesOf(kapal)) {
    look(`the command line of ${pid}`, command);
    const owner = Object.keys(secrets).find((service) => role === 'app' && run?.startsWith(`${service}-`) === true);
    const others = Object.entries(secrets).filter(([service]) => service !== owner);
    const environment = text(`/proc/${pid}/environ`);
    for (const [service, secret] of others)
      if (environment.includes(secret))
        found.push(`I7: the secret of ${service} stands in the environment of ${role} ${pid}`);
  }
  return found;
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // Gone since it was listed.
    return '';
  }
}
