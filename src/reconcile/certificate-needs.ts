import type { Dependencies } from './dependencies.ts';

/** What keeping certificates touches of the outside. */
export type CertificateNeeds = Pick<
  Dependencies,
  'store' | 'vault' | 'clock' | 'random' | 'log' | 'edge' | 'settings' | 'certificates'
>;
