/** What is started at boot. */
export interface BootService {
  /** Of the unit, the script and the pid file: `kapal`, or `kapal-SOMETHING` for a second install on the machine. */
  readonly name: string;
  /** One line. */
  readonly description: string;
  /** The `kapal` launcher, absolute. */
  readonly launcher: string;
  /** Its arguments for a daemon in the foreground, from `up` on. */
  readonly args: readonly string[];
  /** The data folder, absolute: what it lies on is mounted first. */
  readonly data: string;
  /** `root`, or the user that the daemon runs as. */
  readonly user: string;
  /** Variables that the daemon needs beyond those of the system (a private certificate authority). */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Throws a TypeError for text that neither file can carry: these come from the command line, so it is a fault of the caller. */
export function checkBootService(service: BootService): void {
  if (!/^[a-z][a-z0-9-]*$/.test(service.name)) throw new TypeError(`not a name of a boot service: ${service.name}`);
  if (!/^[a-z_][a-z0-9_-]*\$?$/.test(service.user)) throw new TypeError(`not a name of a user: ${service.user}`);
  for (const path of [service.launcher, service.data]) {
    if (!path.startsWith('/')) throw new TypeError(`not an absolute path: ${path}`);
  }
  const texts = [service.description, service.launcher, service.data, ...service.args];
  const variables = Object.entries(service.environment ?? {}).flat();
  for (const text of [...texts, ...variables]) {
    if (/\p{Cc}/u.test(text)) throw new TypeError(`a control character in ${JSON.stringify(text)}`);
  }
}
