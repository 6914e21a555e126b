/** One planted breach for each rule that is not about layers, and the near misses that must pass. */

/** A file to plant; `rule` refuses it, and without one it must pass. */
export interface Plant {
  readonly name: string;
  readonly file: string;
  readonly text: string;
  readonly rule?: string;
}

const promise = 'export async function work(): Promise<number> {\n  return await Promise.resolve(1);\n}\n';
const loose = 'declare const parsed: any;\n';

export const ruleTargets: Readonly<Record<string, string>> = {
  'src/observe/work.ts': promise,
  'src/observe/ring-a.ts': "import { b } from './ring-b.ts';\nexport const a = (): number => b();\n",
  'src/observe/barrel-source.ts': 'export const one = 1;\n',
};

/** Files that the house rules refuse, each in a folder of its own. */
export const houseTargets: Readonly<Record<string, string>> = {
  'src/model/utils/text.ts': '',
  'src/state/helpers/text.ts': '',
  'test/unit/common/text.ts': '',
  'src/services/list.ts': '',
  'src/brandnew/thing.ts': '',
  'src/observe/all/index.ts': '',
  'src/observe/long/migration.sql': '\n'.repeat(401),
};

export function rulePlants(): Plant[] {
  return [...typePlants(), ...promisePlants(), ...programPlants(), ...purityPlants(), ...housePlants()];
}

function typePlants(): Plant[] {
  return [
    plant('an any', 'no-explicit-any', 'export const x = (value: any): string => String(value);\n'),
    plant('an unsafe assignment', 'no-unsafe-assignment', `${loose}export const x = parsed.name;\n`),
    plant('an unsafe member access', 'no-unsafe-member-access', `${loose}export const x = String(parsed.name);\n`),
    plant('an unsafe call', 'no-unsafe-call', `${loose}parsed();\n`),
    plant('an unsafe argument', 'no-unsafe-argument', `${loose}export const x = Number.parseInt(parsed, 10);\n`),
    plant('an unsafe return', 'no-unsafe-return', `${loose}export const x = (): string => {\n  return parsed;\n};\n`),
    plant(
      'a switch that forgets a case',
      'switch-exhaustiveness-check',
      "export function x(state: 'on' | 'off'): number {\n  switch (state) {\n    case 'on':\n      return 1;\n  }\n  return 0;\n}\n",
    ),
    plant('a silenced type error', 'ban-ts-comment', '// @ts-ignore\nexport const x: string = 1;\n'),
    plant('an inline type import', 'consistent-type-imports', "export type X = import('../state/target.ts').Y;\n"),
  ];
}

function promisePlants(): Plant[] {
  const imported = "import { work } from './work.ts';\n";
  return [
    plant('a floating promise', 'no-floating-promises', `${imported}work();\n`),
    plant(
      'a promise as a condition',
      'no-misused-promises',
      `${imported}export const x = (): number => (work() ? 1 : 0);\n`,
    ),
    plant(
      'a promise where void is expected',
      'no-misused-promises',
      `${imported}[1].forEach(async () => {\n  await work();\n});\n`,
    ),
    {
      name: 'a test that is not awaited',
      file: 'test/unit/planted.test.ts',
      text: "import { describe, test } from 'node:test';\ndescribe('x', () => {\n  test('y', () => {});\n});\n",
    },
  ];
}

/** Starting programs, in every form an import has, and where it is allowed. */
function programPlants(): Plant[] {
  const text = "import { spawn } from 'node:child_process';\nexport const x = spawn;\n";
  const refused = [
    'src/state/cp.ts',
    'src/cli/demo/cp.ts',
    'src/runtime/process/cp.ts',
    'src/daemon/cp.ts',
    'src/lib/files.ts',
  ];
  const allowed = ['src/lib/exec.ts', 'src/lib/exec/spawn.ts', 'test/unit/cp.ts', 'scripts/cp.ts'];
  const rule = 'no-restricted-imports';
  return [
    ...refused.map((file) => ({ name: `child_process in ${file}`, file, text, rule })),
    ...allowed.map((file) => ({ name: `child_process in ${file}`, file, text })),
    plant(
      'child_process without its prefix',
      rule,
      "import { spawn } from 'child_process';\nexport const x = spawn;\n",
    ),
    plant(
      'child_process as a type',
      rule,
      "import type { ChildProcess } from 'node:child_process';\nexport type X = ChildProcess;\n",
    ),
    plant('child_process on demand', rule, "export const x = await import('node:child_process');\n"),
    plant('child_process handed on', rule, "export { spawn } from 'node:child_process';\n"),
    plant(
      'child_process by the back door',
      'no-restricted-properties',
      "export const x = process.getBuiltinModule('node:child_process');\n",
    ),
    plant('a layer skipped on demand', rule, "export const x = await import('../state/target.ts');\n"),
    plant('a layer skipped by handing on', rule, "export { target } from '../state/target.ts';\n"),
  ];
}

function purityPlants(): Plant[] {
  const impure: readonly (readonly [what: string, rule: string, text: string])[] = [
    [
      'reads-a-file',
      'no-restricted-imports',
      "import { readFileSync } from 'node:fs';\nexport const x = readFileSync;\n",
    ],
    ['reads-the-clock', 'no-restricted-properties', 'export const x = (): number => Date.now();\n'],
    ['throws-dice', 'no-restricted-properties', 'export const x = (): number => Math.random();\n'],
    ['sets-a-timer', 'no-restricted-globals', 'setTimeout(() => {}, 1);\n'],
    ['reads-the-environment', 'no-restricted-globals', 'export const x = process.env;\n'],
  ];
  return ['model', 'spec', 'plan', 'rollout'].flatMap((layer) =>
    impure.map(([what, rule, text]) => ({ name: `${layer} ${what}`, file: `src/${layer}/${what}.ts`, text, rule })),
  );
}

function housePlants(): Plant[] {
  const lines = (count: number): string => '  console.log(1);\n'.repeat(count);
  return [
    {
      name: 'a cycle',
      file: 'src/observe/ring-b.ts',
      text: "import { a } from './ring-a.ts';\nexport const b = (): number => a();\n",
      rule: 'no-cycle',
    },
    plant('a barrel', 'no-barrel-file', "export * from './barrel-source.ts';\n"),
    plant('a file of 401 lines', 'max-lines', `export const x = 1;\n${'// on and on\n'.repeat(400)}`),
    plant('a function of 61 lines', 'max-lines-per-function', `export function x(): void {\n${lines(61)}}\n`),
    plant(
      'four parameters',
      'max-params',
      'export const x = (a: number, b: number, c: number, d: number): number => a + b + c + d;\n',
    ),
    plant('an exit deep inside', 'no-restricted-properties', 'export const x = (): never => process.exit(1);\n'),
    {
      name: 'an exit in an entry file',
      file: 'src/edge/embedded/worker.ts',
      text: 'export const x = (): never => process.exit(1);\n',
    },
  ];
}

function plant(name: string, rule: string, text: string): Plant {
  return { name, file: `src/observe/${name.replaceAll(' ', '-')}.ts`, text, rule };
}
