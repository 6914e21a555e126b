import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { serviceTable } from '../../../src/convert/import/compose-service.ts';
import { appFields } from '../../../src/convert/import/pm2-fields.ts';
import { KapalError } from '../../../src/model/errors.ts';
import { serviceFields } from '../../../src/spec/table/service.ts';
import { importing, type Source, specOf } from './converting.ts';

const runs = { numRuns: 60 };

const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    '',
    'x',
    '.',
    './a',
    'a b',
    '../..',
    '${X}',
    '$$',
    '3000:3000',
    '1m',
    '10s',
    'npm start',
    null,
    true,
    false,
    0,
    3,
    -1,
    1.5,
    [],
    {},
  ),
  fc.string({ maxLength: 8 }),
);
const some = fc.oneof(
  leaf,
  fc.array(leaf, { maxLength: 3 }),
  fc.dictionary(fc.string({ maxLength: 6 }), leaf, { maxKeys: 3 }),
);

function among(names: readonly string[]): fc.Arbitrary<Readonly<Record<string, unknown>>> {
  return fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 5 })), some, { maxKeys: 6 });
}

/** Whatever is in the file: a declaration that a deploy takes, with a note for all of it, or an error in words. */
function holds(from: Source, file: string, text: string): void {
  try {
    const converted = importing(from, { tree: { [file]: text, Procfile: 'web: npm start\n' }, file });
    specOf(converted);
    for (const note of converted.notes) {
      assert.ok(note.line >= 1 && note.column >= 1, JSON.stringify(note));
      assert.ok(note.message.length > 0);
    }
  } catch (error) {
    assert.ok(error instanceof KapalError, `${error instanceof Error ? error.stack : String(error)}\n${text}`);
    assert.ok(['declaration_invalid', 'nothing_to_deploy', 'name_invalid'].includes(error.code), error.code);
    assert.ok(error.message.length > 0);
  }
}

describe('any file is converted, or refused in words', () => {
  test('compose', () => {
    const services = fc.dictionary(fc.constantFrom('api', 'db', 'a b', '!'), among(Object.keys(serviceTable)), {
      maxKeys: 3,
    });
    fc.assert(
      fc.property(services, among(['name', 'networks', 'x-a']), (found, more) => {
        holds('compose', 'compose.yaml', stringify({ services: { ok: { build: '.' }, ...found }, ...more }));
      }),
      runs,
    );
  });

  test('heroku', () => {
    const app = among(['name', 'env', 'formation', 'scripts', 'cron', 'healthchecks', 'addons', 'stack']);
    fc.assert(
      fc.property(app, (found) => holds('heroku', 'app.json', JSON.stringify(found))),
      runs,
    );
  });

  test('pm2', () => {
    fc.assert(
      fc.property(fc.array(among([...Object.keys(appFields), 'env', 'env_production']), { maxLength: 2 }), (apps) => {
        holds('pm2', 'pm2.json', JSON.stringify({ apps: apps.map((app) => ({ script: 'a.js', ...app })) }));
      }),
      runs,
    );
  });

  test('render', () => {
    const service = among([...Object.keys(serviceFields), 'edge']);
    fc.assert(
      fc.property(
        fc.array(service, { maxLength: 2 }),
        among(['envVarGroups', 'databases', 'ungrouped']),
        (services, more) => {
          const kept = { type: 'web', name: 'ok', startCommand: 'npm start' };
          holds(
            'render',
            'render.yaml',
            stringify({
              services: [
                kept,
                ...services.map((one, index) => ({ type: 'web', name: `s${index}`, startCommand: 'x', ...one })),
              ],
              ...more,
            }),
          );
        },
      ),
      runs,
    );
  });

  test('text that is nothing at all', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 60 }),
        fc.constantFrom('render', 'compose', 'heroku', 'pm2', 'procfile'),
        (text, from) => {
          holds(from, 'file.json', text);
        },
      ),
      runs,
    );
  });
});
