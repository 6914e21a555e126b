import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Contestant, Ground, Transport } from './contest.ts';
import { accepting, childrenOf, Running } from './processes.ts';
import { freePort } from '../../test/free-port.ts';

/** The answer of every backend: small, as an API's. */
const answer = `'{"id":1,"name":"kopi","price":15000}'`;

/** Two cheap backends in one nginx: a fixed JSON answer, connections kept as long as the proxy wants. */
export async function startBackends(ground: Ground): Promise<AsyncDisposable & { readonly ports: readonly number[] }> {
  const ports = [await freePort(), await freePort()];
  const listen = ports.map((port) => `listen 127.0.0.1:${port};`).join(' ');
  const server = `server { ${listen} location / { default_type application/json; return 200 ${answer}; } }`;
  const running = await startNginx(ground, {
    name: 'backends',
    core: ground.otherCore,
    http: `access_log off; keepalive_requests 1000000000; ${server}`,
    port: ports[0] ?? 0,
  });
  return { ports, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

/**
 * nginx as tutorials set it up: an upstream of two servers and a bare proxy_pass, so HTTP/1.0 and a new connection per request to the
 * backend. `worker_connections` is raised, for Debian's 768 would run out and answer 500.
 */
export async function startTutorialNginx(
  ground: Ground,
  backends: readonly number[],
  log: boolean,
): Promise<Contestant> {
  const port = await freePort();
  const name = log ? 'nginx, tutorial' : 'nginx, tutorial, no access log';
  const running = await startNginx(ground, {
    name: log ? 'tutorial' : 'tutorial-no-log',
    core: ground.proxyCore,
    http: `access_log ${log ? join(ground.folder, 'nginx-access.log') : 'off'};
      upstream app { ${serversOf(backends)} }
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; } }`,
    port,
  });
  return workerOf(running, { name, port });
}

/** What a hand-written site does beside passing requests on: nothing more than most, or all that Kapal does for every site. */
type Work = 'usual' | 'same';

const work: Readonly<
  Record<Work, { readonly name: string; readonly http: string; readonly fields: string; readonly format: string }>
> = {
  usual: {
    name: 'nginx, tuned by hand',
    http: '',
    fields: `proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;`,
    format: 'combined',
  },
  same: {
    name: 'nginx, tuned, same fields and log',
    // The id of a request as Kapal makes it: nginx's own $request_id costs a tenth of a small request more.
    http: `map $http_x_request_id $id {
        '' $msec-$connection-$connection_requests;
        '~^[A-Za-z0-9.-]{8,64}$' $http_x_request_id;
        default $msec-$connection-$connection_requests;
      }
      log_format json escape=json '{"ended":$msec,"durationMs":\${request_time}e3,"to":"$upstream_addr","requestId":"$id","remote":"$remote_addr",'
        '"host":"$http_host","request":"$request","status":$status,"bytesIn":0,"bytesOut":$body_bytes_sent,'
        '"userAgent":"$http_user_agent","referer":"$http_referer","completion":"$request_completion"}';`,
    fields: `proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host; proxy_set_header X-Forwarded-Port $server_port;
      proxy_set_header Forwarded "for=$remote_addr;host=\\"$http_host\\";proto=$scheme"; proxy_set_header X-Request-Id $id;
      proxy_set_header Upgrade ""; proxy_set_header Expect ""; proxy_set_header Proxy ""; proxy_set_header TE "";
      proxy_hide_header X-Request-Id; add_header X-Request-Id $id always;`,
    format: 'json',
  },
};

/** nginx tuned by hand for these upstreams: HTTP/1.1 to them over kept connections, a buffered log, forwarding fields. */
export async function startTunedNginx(
  ground: Ground,
  backends: readonly number[],
  { transport, kind }: { readonly transport: Transport | null; readonly kind: Work },
): Promise<Contestant> {
  const port = await freePort();
  const { name, http, fields, format } = work[kind];
  const listen =
    transport === null
      ? `listen 127.0.0.1:${port};`
      : `listen 127.0.0.1:${port} ssl http2; ssl_certificate ${transport.certificate}; ssl_certificate_key ${transport.key};
         ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:tls:10m; ssl_session_tickets off; ssl_prefer_server_ciphers off;`;
  const running = await startNginx(ground, {
    name: `tuned-${kind}${transport === null ? '' : '-tls'}`,
    core: ground.proxyCore,
    http: `${http} access_log ${join(ground.folder, `tuned-${kind}.log`)} ${format} buffer=64k flush=1s;
      keepalive_requests 1000000000;
      upstream app { ${serversOf(backends)} keepalive 256; keepalive_requests 1000000000; }
      server { ${listen}
        location / {
          proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
          ${fields}
        } }`,
    port,
  });
  return workerOf(running, { name, port });
}

/** HAProxy with one thread and kept connections to the servers. */
export async function startHaproxy(ground: Ground, backends: readonly number[]): Promise<Contestant> {
  const port = await freePort();
  const configuration = join(ground.folder, 'haproxy.cfg');
  const servers = backends.map((backend, index) => `  server b${index} 127.0.0.1:${backend}`).join('\n');
  await writeFile(
    configuration,
    `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-keep-alive
  http-reuse always
  option forwardfor
  timeout connect 2500ms
  timeout client 75s
  timeout server 60s
frontend in
  bind 127.0.0.1:${port}
  default_backend app
backend app
  balance roundrobin
${servers}
`,
  );
  return started(new Running(ground.proxyCore, ['haproxy', '-db', '-f', configuration]), { name: 'HAProxy', port });
}

/** Caddy as its manual shows a reverse proxy, with the one core that each contestant has. */
export async function startCaddy(ground: Ground, backends: readonly number[]): Promise<Contestant> {
  const port = await freePort();
  const folder = join(ground.folder, 'caddy');
  await mkdir(folder);
  const configuration = join(folder, 'Caddyfile');
  const to = backends.map((backend) => `127.0.0.1:${backend}`).join(' ');
  await writeFile(
    configuration,
    `{
  admin off
  auto_https off
  storage file_system ${folder}
}
http://127.0.0.1:${port} {
  reverse_proxy ${to}
}
`,
  );
  const environment = ['env', 'GOMAXPROCS=1', `HOME=${folder}`, `XDG_DATA_HOME=${folder}`, `XDG_CONFIG_HOME=${folder}`];
  const command = [...environment, 'caddy', 'run', '--adapter', 'caddyfile', '--config', configuration];
  return started(new Running(ground.proxyCore, command), { name: 'Caddy', port });
}

function serversOf(backends: readonly number[]): string {
  return backends.map((backend) => `server 127.0.0.1:${backend};`).join(' ');
}

async function started(
  running: Running,
  { name, port }: { readonly name: string; readonly port: number },
): Promise<Contestant> {
  try {
    await accepting(port);
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return { name, port, pid: running.pid, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

function workerOf(running: Running, { name, port }: { readonly name: string; readonly port: number }): Contestant {
  const [worker] = childrenOf(running.pid);
  if (worker === undefined) throw new Error('nginx has no worker');
  return { name, port, pid: worker, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

interface NginxOptions {
  readonly name: string;
  readonly core: number;
  readonly http: string;
  readonly port: number;
}

async function startNginx(ground: Ground, { name, core, http, port }: NginxOptions): Promise<Running> {
  const folder = join(ground.folder, name);
  await mkdir(folder, { mode: 0o755 });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const configuration = join(folder, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; worker_processes 1; pid ${join(folder, 'pid')}; error_log ${join(folder, 'error.log')};
    events { worker_connections 4096; }
    http { ${temporary.join(' ')} ${http} }
    `,
  );
  const running = new Running(core, ['nginx', '-c', configuration]);
  try {
    await accepting(port);
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}
