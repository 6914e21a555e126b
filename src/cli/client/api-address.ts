/** An address that stands for every interface is reached on this machine as the loopback one. */
const everywhere = /^(?:\*|0\.0\.0\.0|\[?::\]?):(\d+)$/;

/** `http://HOST:PORT` of the API: as this command line was told for another machine, else as the daemon listens. */
export async function apiAddress(
  env: Readonly<Record<string, string | undefined>>,
  listening: () => Promise<string>,
): Promise<string> {
  const told = env['KAPAL_API'] ?? '';
  if (told !== '') return new URL(/^[a-z]+:\/\//i.test(told) ? told : `http://${told}`).origin;
  return `http://${(await listening()).replace(everywhere, '127.0.0.1:$1')}`;
}
