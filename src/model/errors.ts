/**
 * The one catalogue of errors. A code is stable: programs match on it and `docs/errors.md` explains it.
 * `status` is the HTTP status of the API's answer, `exit` the exit code of the command line (design: 1 failed, 2 wrong usage or
 * invalid declaration, 3 no daemon, 4 not allowed).
 */
export const catalogue = {
  usage: { status: 400, exit: 2, title: 'The command or request is not of the expected form' },
  not_supported: { status: 422, exit: 2, title: 'This version of Kapal does not do this yet, or not on this machine' },
  declaration_invalid: {
    status: 422,
    exit: 2,
    title: 'The declaration (kapal.yaml, render.yaml, Procfile) has an error',
  },
  nothing_to_deploy: { status: 422, exit: 2, title: 'No declaration was found and none could be detected' },
  variable_missing: { status: 422, exit: 2, title: 'A variable declared with sync: false has no value yet' },
  name_invalid: { status: 422, exit: 2, title: 'A name has characters or a length that are not allowed' },
  domain_taken: { status: 409, exit: 1, title: 'Another service already answers at this host name' },
  certificate_invalid: {
    status: 422,
    exit: 2,
    title:
      'A certificate or its key cannot be used: they do not belong together, do not cover the host, or have expired',
  },
  certificate_failed: { status: 502, exit: 1, title: 'The authority did not issue a certificate' },
  not_found: { status: 404, exit: 1, title: 'The thing that was named does not exist' },
  ambiguous: { status: 409, exit: 2, title: 'Several projects or environments have a service of this name' },
  conflict: { status: 409, exit: 1, title: 'The thing changed, or is busy, in a way that excludes this request' },
  unauthorized: { status: 401, exit: 4, title: 'The request carries no valid token' },
  forbidden: { status: 403, exit: 4, title: 'The caller may not do this' },
  no_daemon: { status: 503, exit: 3, title: 'No daemon answers for this data folder' },
  daemon_running: { status: 409, exit: 1, title: 'A daemon already holds this data folder' },
  port_taken: { status: 409, exit: 1, title: 'A port is held by another program' },
  port_insisted: {
    status: 422,
    exit: 1,
    title: 'An app listens on one port whatever PORT says, and this machine cannot give that port to all who want it',
  },
  node_too_old: { status: 500, exit: 1, title: 'The Node.js that runs Kapal has known flaws in its HTTP parser' },
  state_newer: { status: 500, exit: 1, title: 'The data folder was written by a newer Kapal' },
  state_damaged: { status: 500, exit: 1, title: 'The data folder cannot be read' },
  source_failed: { status: 502, exit: 1, title: 'The code could not be fetched' },
  source_refused: {
    status: 422,
    exit: 2,
    title: 'The source holds something unsafe, or its URL is not of an allowed kind',
  },
  source_too_large: { status: 413, exit: 1, title: 'The source is larger than the limit' },
  toolchain_missing: { status: 422, exit: 1, title: 'A program that the build needs is not on this machine' },
  build_failed: { status: 422, exit: 1, title: 'The build command did not succeed' },
  build_timeout: { status: 422, exit: 1, title: 'The build did not end within its time limit' },
  build_too_large: { status: 422, exit: 1, title: 'The build wrote more than it may' },
  predeploy_failed: { status: 422, exit: 1, title: 'preDeployCommand did not succeed' },
  boot_crashed: { status: 422, exit: 1, title: 'A new instance kept exiting before it was ready' },
  health_failed: { status: 422, exit: 1, title: 'A new instance ran but was not ready in time' },
  rollout_regressed: { status: 422, exit: 1, title: 'The new release failed after it took traffic and was withdrawn' },
  cancelled: { status: 409, exit: 1, title: 'The deploy was cancelled' },
  superseded: { status: 409, exit: 1, title: 'A newer deploy of the same service took its place' },
  mount_refused: { status: 422, exit: 2, title: 'A disk cannot appear at the path that was declared for it' },
  disk_failed: { status: 500, exit: 1, title: 'The disk reports errors, or does not answer' },
  disk_full: { status: 507, exit: 1, title: 'The disk is full, or too full to begin' },
  memory_low: { status: 507, exit: 1, title: 'Too little memory is available to begin' },
  edge_failed: { status: 500, exit: 1, title: 'The edge did not take the configuration' },
  runtime_failed: { status: 500, exit: 1, title: 'The runtime could not do what was asked of it' },
  internal: { status: 500, exit: 1, title: 'A fault in Kapal itself' },
} as const satisfies Record<string, { status: number; exit: 1 | 2 | 3 | 4; title: string }>;

export type ErrorCode = keyof typeof catalogue;

/** An error as it travels in JSON: in `deploy --json`, in API answers, in stored rollouts. `log` is the tail of what the failing program printed. */
export interface ErrorDocument {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
  readonly log: readonly string[];
}

/** The only error that is meant for a user: says what failed and where (`message`) and what to do next (`hint`). */
export class KapalError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly log: readonly string[];

  constructor(
    code: ErrorCode,
    message: string,
    more: { hint?: string | undefined; log?: readonly string[] | undefined; cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'KapalError';
    this.code = code;
    this.hint = more.hint ?? null;
    this.log = more.log ?? [];
  }

  toDocument(): ErrorDocument {
    return { code: this.code, message: this.message, hint: this.hint, log: this.log };
  }
}

/** Any thrown thing as a document; what is not a KapalError is a fault of ours and says so without a stack trace. */
export function errorDocument(error: unknown): ErrorDocument {
  if (error instanceof KapalError) return error.toDocument();
  const message = error instanceof Error ? error.message : String(error);
  const disk = diskTrouble(error);
  if (disk !== null) return { ...disk, message, log: [] };
  return { code: 'internal', message, hint: 'This is a fault in Kapal; the daemon log holds the details.', log: [] };
}

/** What the system says of a disk (errno(3)), wherever a file was written: it is no fault of ours. */
function diskTrouble(error: unknown): Pick<ErrorDocument, 'code' | 'hint'> | null {
  switch (error instanceof Error && 'code' in error ? error.code : null) {
    case 'ENOSPC':
    case 'EDQUOT':
      return { code: 'disk_full', hint: 'Free space on that disk, then repeat. What runs goes on running.' };
    case 'EIO':
    case 'EROFS':
    case 'EFBIG':
      return {
        code: 'disk_failed',
        hint: "Look at the kernel's messages (dmesg) for that disk. What runs goes on running.",
      };
    default:
      return null;
  }
}
