import { request } from 'node:http';
import { join } from 'node:path';

export interface Asking {
  readonly method?: string;
  readonly body?: unknown;
  /** In place of a body. */
  readonly tar?: Uint8Array;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** One request to the API of the daemon of a data folder, on its Unix socket; `path` stands below `/api/v1`. */
export function askApi(data: string, path: string, { method = 'GET', body, tar }: Asking = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = tar !== undefined ? 'application/x-tar' : body === undefined ? null : 'application/json';
    const headers = type === null ? {} : { 'content-type': type };
    const outgoing = request(
      { socketPath: join(data, 'kapal.sock'), path: `/api/v1${path}`, method, headers, agent: false },
      (response) => {
        let said = '';
        response.setEncoding('utf8').on('data', (part: string) => (said += part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: said === '' ? null : JSON.parse(said) }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(tar ?? (body === undefined ? undefined : JSON.stringify(body)));
  });
}
