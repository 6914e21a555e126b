/** Writes docs/errors.md from the catalogue of errors, so that the two cannot differ: a test compares them. */
import { writeFileSync } from 'node:fs';
import { catalogue } from '../src/model/errors.ts';

const exits: Readonly<Record<number, string>> = {
  1: 'the operation failed',
  2: 'wrong usage or invalid declaration',
  3: 'no daemon reachable',
  4: 'not allowed',
};

/** The page, as Markdown. */
export function errorDocs(): string {
  const rows = Object.entries(catalogue).map(
    ([code, { title, status, exit }]) => `| \`${code}\` | ${title} | ${status} | ${exit} |`,
  );
  const meanings = Object.entries(exits).map(([exit, meaning]) => `${exit} ${meaning}`);
  return [
    '# Errors',
    '',
    '<!-- Written by scripts/write-error-docs.ts from src/model/errors.ts. -->',
    '',
    'Every error that Kapal shows has a code. Codes are stable: programs can match on them. The same document stands in answers of the API,',
    'in `kapal ... --json` and on services in `kapal deploy --json`:',
    '',
    '    {"error":{"code":"build_failed","message":"what failed, and where","hint":"what to do next","log":["last lines"]}}',
    '',
    '`hint` is null where there is none; `log` holds the last lines that the failing program printed.',
    '',
    `Exit codes of the command line: 0 done, ${meanings.join(', ')}; 130 interrupted (the operation goes on).`,
    'A service that fails in a deploy of several makes the exit code 1, whatever its own code says.',
    '',
    '| code | meaning | HTTP status | exit code |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorDocs());
