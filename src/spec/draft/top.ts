import { type Document, isMap, isSeq } from 'yaml';
import type { DeclarationFiles } from '../files.ts';
import { chooseLanguage } from '../language/choose.ts';
import { SourceFolder } from '../language/source-folder.ts';

/**
 * Says of services that start at the top of the source that they do, where the reader would take them to be elsewhere: in the package of a workspace that
 * starts. Without a command to start with they are meant to be there.
 */
export function keepAtTop(document: Document, files: DeclarationFiles): void {
  const services = document.get('services');
  if (!isSeq(services)) return;
  const starting = services.items.filter(isMap).filter((item) => item.has('startCommand') && !item.has('rootDir'));
  if (starting.length === 0) return;
  const plan = chooseLanguage(new SourceFolder(files))?.plan;
  if (plan?.kind !== 'server' || plan.rootDir === '.') return;
  for (const service of starting) service.set('rootDir', '.');
}
