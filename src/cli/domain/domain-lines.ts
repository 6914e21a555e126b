import type { DomainDocument } from '../../api/contract/types.ts';
import type { Invocation } from '../command.ts';

/** `example.com`, `example.com/api`. */
export function domainName({ host, path }: Pick<DomainDocument, 'host' | 'path'>): string {
  return path === '/' ? host : `${host}${path}`;
}

/** Cells of `kapal domain list`. */
export function domainRow(domain: DomainDocument, { out, say }: Pick<Invocation, 'out' | 'say'>): string[] {
  const { state, source, issuer, notAfter } = domain.certificate;
  const words = say.certificates.states[state];
  const colour = state === 'valid' ? 'green' : state === 'failing' || state === 'expired' ? 'red' : 'yellow';
  const held = source === null ? [] : [say.certificates.sources[source], issuer ?? '', notAfter?.slice(0, 10) ?? ''];
  const certificate = [out.out.paint(colour, words), ...held.map((part) => out.out.safe(part))].filter(
    (part) => part !== '',
  );
  return [domainName(domain), domain.source, domain.url, certificate.join(', ')];
}

/** What is below the table: for each domain with a problem, and where the root of the local authority lies. */
export function domainNotes(
  domains: readonly DomainDocument[],
  { out, say }: Pick<Invocation, 'out' | 'say'>,
): string[] {
  const lines: string[] = [];
  for (const domain of domains) {
    const { problem, hint, nextTry } = domain.certificate;
    if (problem === null) continue;
    lines.push(`${domain.host}: ${out.out.safe(problem)}`);
    if (nextTry !== null) lines.push(`  ${say.certificates.nextTry(nextTry.slice(0, 16).replace('T', ' '))}`);
    if (hint !== null) lines.push(`  ${say.hint}: ${out.out.safe(hint)}`);
  }
  const root = domains.find(({ certificate }) => certificate.root !== null)?.certificate.root;
  return root === undefined || root === null ? lines : [...lines, say.certificates.root(root)];
}
