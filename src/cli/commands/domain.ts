import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { failure } from '../../api/contract/exit.ts';
import { paths } from '../../api/contract/paths.ts';
import type { DomainCheckDocument, DomainDocument, DomainRequest } from '../../api/contract/types.ts';
import { type Command, type Invocation, type Operand, operand } from '../command.ts';
import { domainName, domainNotes, domainRow } from '../domain/domain-lines.ts';
import { table } from '../output.ts';

const service: Operand = { name: 'service', description: 'the service', required: true, completes: 'service' };
const host: Operand = {
  name: 'host',
  description: 'a host name, such as api.example.com, or one with a path, such as example.com/api',
  required: true,
};

export const list: Command = {
  operands: [service],
  options: [],
  examples: [['domain list api', 'host names at which it answers, and how their certificates stand']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const found = await client.get<readonly DomainDocument[]>(paths.domains(operand(invocation, 0), at));
    if (json) {
      out.json(found);
      return 0;
    }
    const { host: name, source, url, certificate } = say.columns;
    const head = [name, source, url, certificate].map((word) => out.out.paint('dim', word));
    for (const line of table([head, ...found.map((domain) => domainRow(domain, invocation))])) out.out.line(line);
    for (const note of domainNotes(found, invocation)) out.out.line(note);
    return 0;
  },
};

export const add: Command = {
  operands: [service, host],
  options: [
    {
      flags: '--certificate <file>',
      description: 'your own certificate with its chain, PEM; renewing it is yours too',
    },
    { flags: '--key <file>', description: 'its key, PEM, without a passphrase; Kapal keeps it encrypted' },
    { flags: '--acme', description: 'let ACME take the place of your own certificate; or ask the authority again now' },
  ],
  examples: [
    ['domain add api api.example.com', 'answer there as soon as its DNS points here; a certificate follows by itself'],
    ['domain add api example.com/api', 'answer below a path; other services may answer at the rest of the host'],
    ['domain add api api.example.com --certificate fullchain.pem --key key.pem', 'with your own certificate'],
  ],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const [name, added] = [operand(invocation, 0), operand(invocation, 1)];
    const request = await requestOf(invocation);
    const document = await client.call<DomainDocument>('PUT', paths.domain(name, added, at), request);
    if (json) out.json({ service: name, ...document, added: true });
    else {
      out.out.line(say.domainAdded(domainName(document), name));
      for (const note of domainNotes([document], invocation)) out.out.line(note);
    }
    return 0;
  },
};

export const remove: Command = {
  operands: [service, host],
  options: [],
  examples: [['domain remove api api.example.com', 'answer there no longer; its own certificate is forgotten']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const [name, removed] = [operand(invocation, 0), operand(invocation, 1)];
    await client.call('DELETE', paths.domain(name, removed, at));
    if (json) out.json({ service: name, host: removed, removed: true });
    else out.out.line(say.domainRemoved(removed, name));
    return 0;
  },
};

export const check: Command = {
  operands: [service, host],
  options: [],
  examples: [['domain check api api.example.com', 'what DNS, ports, CAA, certificate and clock look like from here']],
  async run(invocation) {
    const { client, at, out, json, say } = invocation;
    const [name, checked] = [operand(invocation, 0), operand(invocation, 1)];
    const document = await client.get<DomainCheckDocument>(paths.domainCheck(name, checked, at));
    if (json) out.json(document);
    else {
      const { findingLines } = await import('../domain/finding-lines.ts');
      for (const line of findingLines(document, invocation)) out.out.line(line);
      out.out.line(document.sound ? say.domainSound(document.host) : say.domainUnsound(document.host));
    }
    return document.sound ? 0 : 1;
  },
};

/** The files are read here: the daemon never reads a path that a client names. */
async function requestOf({ flags, host: place }: Invocation): Promise<DomainRequest | undefined> {
  const read = async (flag: 'certificate' | 'key'): Promise<Partial<DomainRequest>> => {
    const path = flags.text(flag);
    if (path === undefined) return {};
    const text = await readFile(resolve(place.cwd, path), 'utf8').catch((error: unknown) => {
      throw failure('usage', `--${flag} ${path} cannot be read`, { cause: error });
    });
    return { [flag]: text };
  };
  const request = {
    ...(await read('certificate')),
    ...(await read('key')),
    ...(flags.has('acme') ? { acme: true } : {}),
  };
  return Object.keys(request).length === 0 ? undefined : request;
}
