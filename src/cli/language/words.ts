import type { ConversionNote, DaemonFacts } from '../host.ts';
import type { JobDocument } from '../../api/contract/job-types.ts';
import type {
  CertificateDocument,
  DeployedService,
  DomainFinding,
  OperationEvent,
  ServiceDocument,
} from '../../api/contract/types.ts';

/** The contract's words that people read translated. */
export type Outcome = DeployedService['outcome'];
export type ServiceStatus = ServiceDocument['status'];
export type DeployStage = Extract<OperationEvent, { readonly kind: 'stage' }>['stage'];
export type DaemonPlaces = Pick<DaemonFacts, 'http' | 'https' | 'api' | 'data'>;
export type CertificateState = CertificateDocument['state'];
export type CertificateSource = Exclude<CertificateDocument['source'], null>;
export type JobState = JobDocument['state'];
export type JobResult = NonNullable<JobDocument['result']>;
export type JobCause = JobDocument['cause'];
export type FindingResult = DomainFinding['result'];
export type ConversionKind = ConversionNote['kind'];
