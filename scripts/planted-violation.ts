/**
 * Proves that the gates close: plants, in a temporary folder that has this repository's lint configuration, one file per rule that
 * breaks it and asserts that each is refused by that rule, and that what is allowed passes. A linter that silently skips a rule
 * (a renamed option, a pattern that matches nothing) would otherwise look like clean code for months.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { houseBreaches } from './house-rules.ts';
import { layerPlants, layerTargets } from './planted-layers.ts';
import { houseTargets, rulePlants, ruleTargets, type Plant } from './planted-rules.ts';

const repository = join(dirname(fileURLToPath(import.meta.url)), '..');
const linter = join(repository, 'node_modules', '.bin', 'oxlint');

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), 'kapal-planted-'));
  try {
    const plants = [...layerPlants(), ...rulePlants()];
    furnish(folder, {
      ...layerTargets(),
      ...ruleTargets,
      ...Object.fromEntries(plants.map((plant) => [plant.file, plant.text])),
    });
    const failures = [...lintFailures(folder, plants), ...houseFailures(folder)];
    for (const failure of failures) console.error(failure);
    const refused = plants.filter((plant) => plant.rule !== undefined).length;
    console.log(`planted violations: ${plants.length} files, ${refused} to be refused, ${failures.length} wrong`);
    if (failures.length > 0) process.exitCode = 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function furnish(folder: string, files: Readonly<Record<string, string>>): void {
  for (const name of ['.oxlintrc.json', 'tsconfig.json']) copyFileSync(join(repository, name), join(folder, name));
  symlinkSync(join(repository, 'node_modules'), join(folder, 'node_modules'));
  writeFiles(folder, files);
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** What the linter got wrong: a planted file that passed, or an allowed one that was refused. */
function lintFailures(folder: string, plants: readonly Plant[]): string[] {
  const said = lint(folder);
  return plants.flatMap((plant) => {
    const rules = said.get(plant.file) ?? new Set();
    if (plant.rule === undefined)
      return rules.size === 0 ? [] : [`${plant.name}: allowed, yet refused by ${[...rules].join(', ')}`];
    return rules.has(plant.rule) ? [] : [`${plant.name}: should be refused by ${plant.rule}, yet passed`];
  });
}

interface LintReport {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

/** The rules that refused each file. The exit code counts too: findings that leave it at 0 would gate nothing. */
function lint(folder: string): Map<string, Set<string>> {
  const { stdout, stderr, status } = spawnSync(
    linter,
    ['--type-aware', '--deny-warnings', '--format=json', 'src', 'test', 'scripts'],
    {
      cwd: folder,
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    },
  );
  if (status !== 1)
    throw new Error(`the linter ended with ${String(status)} on planted violations\n${stdout.slice(0, 2000)}${stderr}`);
  const byFile = new Map<string, Set<string>>();
  for (const { code, filename } of (JSON.parse(stdout) as LintReport).diagnostics) {
    const rules = byFile.get(filename) ?? new Set();
    byFile.set(filename, rules.add(code.replace(/^[^(]*\(|\)$/g, '')));
  }
  return byFile;
}

/** The same for the rules that are checked without a linter; planted last, for the linter need not see them. */
function houseFailures(folder: string): string[] {
  if (houseBreaches(folder).length > 0) return [`house rules refuse clean files: ${houseBreaches(folder).join('; ')}`];
  return Object.entries(houseTargets).flatMap(([name, text]) => {
    writeFiles(folder, { [name]: text });
    const breaches = houseBreaches(folder);
    rmSync(join(folder, dirname(name)), { recursive: true, force: true });
    return breaches.length > 0 ? [] : [`house rules: ${name} should be refused, yet passed`];
  });
}

main();
