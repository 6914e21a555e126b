import { existsSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAcmeAuthority } from '../certificates/acme/authority.ts';
import { createDnsHook } from '../certificates/hook/program.ts';
import { createLocalAuthority } from '../certificates/local/authority.ts';
import { createRootStore } from '../certificates/local/trust.ts';
import { createNetworkView } from '../certificates/network/view.ts';
import type { AcmeOptions } from '../cli/host.ts';
import { KapalError } from '../model/errors.ts';
import type { CertificateSources } from '../reconcile/certificate-sources.ts';

/** The production directory of Let's Encrypt. */
const letsEncrypt = 'https://acme-v02.api.letsencrypt.org/directory';

/** Directories whose certificates browsers everywhere accept, and that therefore certify public names alone. */
const publicAuthorities = /(?:^|\.)(?:letsencrypt\.org|zerossl\.com|buypass\.com|pki\.goog|ssl\.com)$/;

/** Where certificates come from. `data` is the data folder. Throws KapalError `usage` for files that are not there or cannot be run. */
export async function certificateSources(
  { email, directory, ca, hook }: AcmeOptions,
  { data, version }: { readonly data: string; readonly version: string },
): Promise<CertificateSources> {
  const url = directory ?? letsEncrypt;
  const roots = ca === null ? null : await readRoots(ca);
  if (hook !== null) await checkProgram(hook);
  return {
    acme: email === null ? null : createAcmeAuthority({ directory: url, roots, userAgent: `kapal/${version}` }),
    email: email ?? '',
    isPublic: publicAuthorities.test(new URL(url).hostname),
    dns: hook === null ? null : createDnsHook({ program: hook }),
    local: createLocalAuthority({ folder: join(data, 'local-authority') }),
    roots: createRootStore(),
    network: createNetworkView(),
  };
}

async function readRoots(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new KapalError('usage', `--acme-ca ${path} cannot be read`, { cause: error });
  });
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new KapalError('usage', `--acme-ca ${path} holds no certificate`, { hint: 'Expected PEM.' });
  return text;
}

async function checkProgram(path: string): Promise<void> {
  try {
    await access(path, constants.X_OK);
  } catch (error) {
    throw new KapalError('usage', `--acme-hook ${path} ${existsSync(path) ? 'cannot be run' : 'is not there'}`, {
      hint: `It is called as ${path} present|cleanup NAME VALUE, without a shell.`,
      cause: error,
    });
  }
}
