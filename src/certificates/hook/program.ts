import { exec, plainEnvironment } from '../../lib/exec.ts';
import { KapalError } from '../../model/errors.ts';
import type { DnsRecords } from '../port.ts';

/** Milliseconds: zones of slow providers take minutes to be seen everywhere. */
const patience = 300_000;
const shownLines = 15;

/**
 * The operator's program, as `PROGRAM present NAME VALUE` and `PROGRAM cleanup NAME VALUE`. NAME is the full name of the TXT record
 * (`_acme-challenge.example.com`), VALUE its text. It ends with 0 when the record can be looked up at every name server of the zone.
 */
export function createDnsHook(options: { readonly program: string; readonly timeout?: number }): DnsRecords {
  const { program, timeout = patience } = options;
  const run = async (verb: 'present' | 'cleanup', name: string, value: string): Promise<void> => {
    // The operator's program may need the variables that the daemon was started with (credentials of the provider).
    const env = Object.fromEntries(
      Object.entries(process.env).flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])),
    );
    const result = await exec(program, [verb, name, value], {
      env: { ...plainEnvironment(), ...env },
      timeout,
      maxBytes: 64 * 1024,
    });
    if (result.ok) return;
    const how = result.missing
      ? 'is not there'
      : result.timedOut
        ? `did not end within ${timeout / 1000} s`
        : result.signal === null
          ? `ended with code ${result.code}`
          : `was ended by ${result.signal}`;
    throw new KapalError('certificate_failed', `the hook ${program} ${how} at "${verb} ${name}"`, {
      hint: 'It is the program of --acme-hook; run it by hand to see what is wrong.',
      log: `${result.stdout}\n${result.stderr}`
        .split('\n')
        .filter((line) => line.trim() !== '')
        .slice(-shownLines),
    });
  };
  return {
    present: (name, value) => run('present', name, value),
    cleanup: (name, value) => run('cleanup', name, value),
  };
}
