import type { TestKapal } from '../../test/e2e/kapal.ts';
import { streamingServer } from '../streams.ts';

/** What is wrong with a version of the shop. */
export type Fault = 'none' | 'build' | 'boot';

const web = `${streamingServer}
const env = process.env;
let asked = 0;
/** The private service may lose an instance while it answers: its clients ask again, as clients of a crashed server do. */
function stock(response, tries) {
  http.get('http://' + env.STOCK + '/', { agent: false }, (answer) => {
    let text = '';
    answer.on('data', (part) => (text += part));
    answer.on('error', () => again(response, tries));
    answer.on('end', () => response.end(JSON.stringify({ instance: env.KAPAL_INSTANCE, stock: text })));
  }).on('error', () => again(response, tries));
}
function again(response, tries) {
  if (response.writableEnded) return;
  if (tries > 0) return setTimeout(stock, 100, response, tries - 1);
  response.statusCode = 502;
  response.end('no stock');
}
function answer(request, response) {
  asked += 1;
  const url = new URL(request.url, 'http://shop');
  if (url.pathname === '/exit') process.exit(1);
  if (url.pathname === '/stock') return stock(response, 100);
  if (url.pathname === '/burst') {
    for (let line = 0; line < Number(url.searchParams.get('lines')); line += 1)
      console.log('line ' + line + ' of a burst, as a busy program prints them: ' + 'x'.repeat(40));
    return response.end('printed');
  }
  if (asked % 50 === 0) console.log(request.method + ' ' + url.pathname);
  let bytes = 0;
  request.on('data', (part) => (bytes += part.length));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ instance: env.KAPAL_INSTANCE, version: env.VERSION, mode: env.MODE, bytes }));
  });
}
`;

const stock = `require('node:http').createServer((request, response) => {
  if (request.url === '/exit') process.exit(1);
  response.end('kopi 3, teh 5');
}).listen(process.env.PORT, process.env.HOST);
`;

const worker = `setInterval(() => console.log('did a job at ' + Date.now()), 250);
process.once('SIGTERM', () => process.exit(0));
`;

function shopDeclaration(version: number, fault: Fault): string {
  return `project: toko
services:
  - type: web
    name: toko
    runtime: node
    buildCommand: ${fault === 'build' ? 'node build.js; exit 3' : 'node build.js'}
    preDeployCommand: echo prepared
    startCommand: ${fault === 'boot' ? 'node crash.js' : 'node server.js'}
    healthCheckPath: /healthz
    numInstances: 2
    maxShutdownDelaySeconds: 3
    envVars:
      - {key: VERSION, value: "${version}"}
      - {key: STOCK, fromService: {type: pserv, name: stock, property: hostport}}
  - {type: pserv, name: stock, runtime: node, startCommand: node stock.js, healthCheckPath: /, maxShutdownDelaySeconds: 2}
`;
}

/** The projects of the soak: a shop of a web and a private service, a worker, static pages. Every version differs from all before. */
export class Site {
  readonly #kapal: TestKapal;
  readonly #made: number[] = [];

  constructor(kapal: TestKapal) {
    this.#kapal = kapal;
  }

  shop(fault: Fault = 'none'): Promise<string> {
    const version = this.#next();
    return this.#kapal.project('toko', {
      'kapal.yaml': shopDeclaration(version, fault),
      'server.js': web,
      'stock.js': stock,
      'crash.js': "console.error('no prices'); process.exit(4);\n",
      'build.js': `for (let step = 0; step < 100; step += 1) console.log('step ' + step + ' of version ${version}');\n`,
    });
  }

  jobs(): Promise<string> {
    const version = this.#next();
    return this.#kapal.project('jobs', {
      'kapal.yaml':
        'project: jobs\nservices:\n  - {type: worker, name: jobs, runtime: node, startCommand: node worker.js, maxShutdownDelaySeconds: 2}\n',
      'worker.js': `// version ${version}\n${worker}`,
    });
  }

  pages(): Promise<string> {
    const version = this.#next();
    return this.#kapal.project('pages', {
      'kapal.yaml': 'project: pages\nservices:\n  - {type: static, name: pages, staticPublishPath: public}\n',
      'public/index.html': `<!doctype html><title>Toko</title><p>Version ${version}\n`,
      'public/large.txt': 'kopi teh '.repeat(2_000),
    });
  }

  /** Versions that were made in the last so many milliseconds. */
  madeWithin(milliseconds: number): number {
    const since = Date.now() - milliseconds;
    return this.#made.filter((at) => at >= since).length;
  }

  #next(): number {
    return this.#made.push(Date.now());
  }
}
