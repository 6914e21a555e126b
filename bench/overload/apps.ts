/** A service that is overloaded: what it is made of, how many closed-loop visitors find its capacity, and how many requests it is asked for then. */
export interface Victim {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  /** Visitors that each ask again after their answer. */
  readonly visitors: number;
}

function declaration(name: string, start: string, instances: number): string {
  return `services:
  - type: web
    name: ${name}
    runtime: node
    buildCommand: ""
    startCommand: ${start}
    healthCheckPath: /healthz
    numInstances: ${instances}
`;
}

function node(name: string, code: string, instances: number): Victim['files'] {
  return { 'app.js': code, 'package.json': '{}', 'kapal.yaml': declaration(name, 'node app.js', instances) };
}

/** 10 ms of each request hold the thread, as computing does; but no core, of which this machine has two for the edge and the visitors too. */
const thread = `const http = require('node:http');
const hold = new Int32Array(new SharedArrayBuffer(4));
http.createServer((request, response) => {
  Atomics.wait(hold, 0, 0, 10);
  response.end('done');
}).listen(process.env.PORT, process.env.HOST);
`;

/** The same with a core of its own. */
const cpu = `const http = require('node:http');
http.createServer((request, response) => {
  const until = performance.now() + 10;
  while (performance.now() < until);
  response.end('done');
}).listen(process.env.PORT, process.env.HOST);
`;

/** 50 ms of waiting for something of which there are 10, as for connections to a database; the line before it has no end. */
const pool = `const http = require('node:http');
let free = 10;
const line = [];
const work = (response) => setTimeout(() => {
  response.end('done');
  const next = line.shift();
  if (next === undefined) free += 1;
  else work(next);
}, 50);
http.createServer((request, response) => {
  if (free === 0) return void line.push(response);
  free -= 1;
  work(response);
}).listen(process.env.PORT, process.env.HOST);
`;

/** Four processes that take one connection at a time for 100 ms, as gunicorn's sync workers do: the line is the kernel's. */
const prefork = `use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 2048, ReuseAddr => 1) or die;
$SIG{PIPE} = 'IGNORE';
for (1 .. 3) { last unless fork }
while (1) {
  my $client = $server->accept or next;
  my $head = '';
  while ($head !~ /\\r\\n\\r\\n/) { sysread($client, $head, 4096, length $head) or last }
  select undef, undef, undef, 0.1;
  syswrite $client, "HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\ndone";
  close $client;
}
`;

export const victims: readonly Victim[] = [
  { name: 'thread', files: node('thread', thread, 2), visitors: 8 },
  { name: 'cpu', files: node('cpu', cpu, 1), visitors: 6 },
  { name: 'pool', files: node('pool', pool, 1), visitors: 20 },
  {
    name: 'prefork',
    files: {
      'app.pl': prefork,
      'package.json': '{}',
      'kapal.yaml': declaration('prefork', '/usr/bin/perl app.pl', 2),
    },
    visitors: 16,
  },
];
