import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { locateNginx } from '../../src/edge/nginx/locate.ts';
import { until } from '../patience.ts';
import { type Course, follow, poisson, queueing, randomOf, type Step } from '../unit/edge-overload/course.ts';

const code = `${fileURLToPath(new URL('../../src/edge/nginx/lua', import.meta.url))}/?.lua`;

/** Tells a gate of its own what the lines say (in seconds), and prints the limit after each look. */
const replay = `
  ngx.req.read_body()
  local body, path = ngx.req.get_body_data() or "", ngx.req.get_body_file()
  if path then
    local file = io.open(path)
    body = file:read("*a")
    file:close()
  end
  local gates = require "kapal.gate"
  local gate = gates.begin()
  local limits = {}
  for line in string.gmatch(body, "[^;]+") do
    local kind, one, two, three, four = string.match(line, "^(%a) ?(%S*) ?(%S*) ?(%S*) ?(%S*)$")
    if kind == "a" then gates.answered(gate, tonumber(one))
    elseif kind == "g" then gates.left(gate)
    elseif kind == "r" then gates.refuse(gate)
    else
      gates.look(gate, tonumber(one), tonumber(two), tonumber(three), tonumber(four))
      limits[#limits + 1] = tostring(gate.limit)
    end
  end
  ngx.print(table.concat(limits, " "))
`;

function lineOf(step: Step): string {
  switch (step.kind) {
    case 'answered':
      return `a ${step.wait / 1000}`;
    case 'left':
      return 'g';
    case 'refuse':
      return 'r';
    case 'look':
      return `k ${step.now / 1000} ${step.waiting} ${step.age / 1000} ${step.door}`;
  }
}

/** nginx with nothing but that, on a socket in a folder of its own. */
async function withReplay(work: (ask: (steps: readonly Step[]) => Promise<string[]>) => Promise<void>): Promise<void> {
  const found = await locateNginx();
  assert.ok(found.found);
  const folder = mkdtempSync(join(tmpdir(), 'kapal-gate-'));
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`);
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${found.modules.map((module) => `load_module ${module};`).join(' ')}
    daemon off; master_process off; pid pid; error_log stderr crit;
    events {}
    http {
      access_log off; ${temporary.join(' ')} client_max_body_size 64m;
      lua_package_path "${[code, ...found.luaPath].join(';')};;"; lua_package_cpath "${found.luaCPath.join(';')};;";
      server { listen unix:${folder}/socket; location / { content_by_lua_block { ${replay} } } }
    }`,
  );
  const nginx = spawn(found.program, ['-p', folder, '-c', 'nginx.conf'], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(nginx, 'exit');
  const ask = (steps: readonly Step[]): Promise<string[]> =>
    new Promise((resolve, reject) => {
      const asked = request({ socketPath: join(folder, 'socket'), method: 'POST', agent: false }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () =>
          response.statusCode === 200 ? resolve(text.split(' ')) : reject(new Error(String(response.statusCode))),
        );
      });
      asked.on('error', reject);
      asked.end(steps.map(lineOf).join(';'));
    });
  try {
    await until('nginx answers', async () => {
      assert.equal(nginx.exitCode, null, 'nginx has ended');
      return ask([]).then(
        () => true,
        () => false,
      );
    });
    await work(ask);
  } finally {
    nginx.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

const minute = 60_000;

function courses(seed: number): readonly Omit<Course, 'until'>[] {
  const random = randomOf(seed);
  const rising = (rate: number, times: number) =>
    poisson(random, (now) => (now < minute / 3 ? rate / 2 : now < minute ? rate * times : rate / 2));
  return [
    { service: queueing(1, () => 5), arrivals: rising(200, 4), patience: 5_000 },
    { service: queueing(4, () => 100), arrivals: rising(40, 1.5), patience: 5_000 },
    { service: queueing(1, () => 5), arrivals: poisson(random, () => 800), patience: 5_000 },
    { service: queueing(1, () => 5), arrivals: rising(200, 10), patience: 5_000 },
    {
      service: (now) => (now < minute ? 10 : Math.min(2_000, 10 + (now - minute) / 10)),
      arrivals: poisson(random, () => 100),
    },
    { service: () => (random() < 0.5 ? 5 : 1_000), arrivals: poisson(random, () => 50) },
  ];
}

test('the rule of nginx and that of the embedded engine say the same of the same', async () => {
  await withReplay(async (ask) => {
    let limited = 0;
    for (const course of [2, 3].flatMap(courses)) {
      const steps: Step[] = [];
      follow({ ...course, until: 1.5 * minute, told: (step) => steps.push(step) });
      const own = steps.flatMap((step) => (step.kind === 'look' ? [step.limit] : []));
      const limits = (await ask(steps)).map((text) => (text === 'inf' ? Number.POSITIVE_INFINITY : Number(text)));
      assert.deepEqual(limits, own);
      if (own.some((limit) => limit < Number.POSITIVE_INFINITY)) limited += 1;
    }
    assert.ok(limited >= 8, `${limited} courses met a limit`);
  });
});
