import assert from 'node:assert/strict';
import { existsSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { KapalError } from '../../src/model/errors.ts';
import { openLogStore } from '../../src/observe/logs/store.ts';
import { api, Logs, until, web } from './logs-fixture.ts';

describe('draining a file', () => {
  test('lines arrive by themselves, with all that is known of them', async () => {
    await using logs = await Logs.open();
    const began = Date.now();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'one\ntwo\n');
    await until(
      'two lines',
      () => logs.texts(),
      (texts) => texts.length === 2,
    );
    const [first] = await logs.lines({ limit: 2 });
    assert.ok(first !== undefined && first.time >= began && first.time <= Date.now());
    const { time: _, ...rest } = first;
    assert.deepEqual(rest, {
      sequence: 1,
      service: api,
      kind: 'app',
      run: 'r1',
      instance: 'i1',
      release: 3,
      text: 'one',
    });
  });

  test('flush stores what is there, an unfinished line included; its end is no line of its own', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'whole\nhalf');
    await logs.store.flush('r1');
    assert.deepEqual(await logs.texts(), ['whole', 'half']);
    logs.append('r1', '\nnext\n\nafter empty\n');
    await logs.store.flush('r1');
    assert.deepEqual(await logs.texts(), ['whole', 'half', 'next', '', 'after empty']);
  });

  test('without a flush an unfinished line waits for its end', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'first\nhal');
    await until(
      'the first',
      () => logs.texts(),
      (texts) => texts.length > 0,
    );
    logs.append('r1', 'f\n');
    assert.deepEqual(
      await until(
        'the half',
        () => logs.texts(),
        (texts) => texts.length > 1,
      ),
      ['first', 'half'],
    );
  });

  test('detach reads to the end, then forgets the file; attaching it again repeats nothing', async () => {
    await using logs = await Logs.open();
    const source = logs.source({ run: 'r1' });
    await logs.store.attach(source);
    logs.append('r1', 'a\nb');
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts(), ['a', 'b']);
    await logs.store.attach(source);
    await logs.store.detach('r1');
    logs.append('r1', 'c\n');
    await logs.store.flush('r1');
    assert.deepEqual(await logs.texts(), ['a', 'b']);
    await logs.reopen();
    await logs.store.attach(source);
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts(), ['a', 'b', 'c']);
  });

  test('a file that is not there yet, never comes, or vanishes is no error', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'late' }));
    await logs.store.attach(logs.source({ run: 'never' }));
    await logs.store.flush('late');
    logs.append('late', 'came\nunfinished');
    await until(
      'the line',
      () => logs.texts(),
      (texts) => texts.length === 1,
    );
    rmSync(join(logs.folder, 'late.log'));
    await logs.store.detach('late');
    await logs.store.detach('never');
    await logs.store.detach('unheard of');
    assert.deepEqual([await logs.texts(), logs.warnings], [['came'], []]);
  });

  test('a link and a folder in the place of the file are refused, once said', async () => {
    await using logs = await Logs.open();
    const secret = join(logs.folder, 'private');
    writeFileSync(secret, 'root:x:0\n');
    symlinkSync(secret, join(logs.folder, 'link.log'));
    await logs.store.attach(logs.source({ run: 'link' }));
    await logs.store.attach(logs.source({ run: 'folder', path: logs.folder }));
    await logs.store.detach('link');
    await logs.store.flush('folder');
    assert.deepEqual(await logs.texts(), []);
    assert.equal(logs.warnings.length, 2, logs.warnings.join('\n'));
  });

  test('one that somebody truncates is gone on with at its new end', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    logs.append('r1', 'before\nmore before\n');
    await logs.store.flush('r1');
    truncateSync(join(logs.folder, 'r1.log'), 0);
    await until(
      'the remark',
      () => logs.texts({ kinds: ['kapal'] }),
      (texts) => texts.length === 1,
    );
    logs.append('r1', 'after\n');
    await logs.store.flush('r1');
    assert.deepEqual(await logs.texts({ kinds: ['app'] }), ['before', 'more before', 'after']);
  });

  test('a restart goes on exactly where the last daemon stopped', async () => {
    await using logs = await Logs.open();
    for (let round = 0; round < 4; round += 1) {
      await logs.store.attach(logs.source({ run: 'r1' }));
      logs.append('r1', `${round}.a\n${round}.b\n${round}.`);
      await logs.reopen();
      logs.append('r1', 'c\n');
    }
    await logs.store.attach(logs.source({ run: 'r1' }));
    await logs.store.detach('r1');
    assert.deepEqual(
      await logs.texts(),
      [0, 1, 2, 3].flatMap((round) => [`${round}.a`, `${round}.b`, `${round}.c`]),
    );
  });

  test('a head that was freed and whose reading was forgotten by a power cut is passed over', async () => {
    await using logs = await Logs.open();
    logs.append(
      'r1',
      Buffer.concat([Buffer.alloc(300_000), Buffer.from('tail of a line\nwhole\n\0\0 zeros in a line\n')]),
    );
    await logs.store.attach(logs.source({ run: 'r1' }));
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts(), ['whole', '\0\0 zeros in a line']);
  });
});

describe('what lines hold', () => {
  test('colours, carriage returns, NUL and every byte that is no UTF-8 come through without harm', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    const garbage = Buffer.from(Array.from({ length: 256 }, (_, byte) => (byte === 10 ? 11 : byte)));
    logs.append('r1', '\u001b[31mred\u001b[0m\r\nsnow \u2603 \u{1F6A2}\n');
    logs.append('r1', Buffer.concat([garbage, Buffer.from('\nafter\n'), Buffer.from([0xe2, 0x98, 10])]));
    await logs.store.detach('r1');
    const expected = ['\u001b[31mred\u001b[0m\r', 'snow \u2603 \u{1F6A2}', garbage.toString('utf8'), 'after', '\ufffd'];
    assert.deepEqual(await logs.texts(), expected);
  });

  test('long lines are cut with a mark, whatever their length, and the next line is whole', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1' }));
    for (const length of [16_384, 16_385, 70_000, 400_000]) logs.append('r1', `${'x'.repeat(length)}\nnext\n`);
    logs.append('r1', `a${'\u{1F6A2}'.repeat(9_000)}\n`);
    await logs.store.detach('r1');
    const texts = await logs.texts();
    const mark = ' [cut here: the line is longer than 16 KiB]';
    const cut = 'x'.repeat(16_384) + mark;
    assert.deepEqual(texts.slice(0, 8), ['x'.repeat(16_384), 'next', cut, 'next', cut, 'next', cut, 'next']);
    assert.equal(texts[8], `a${'\u{1F6A2}'.repeat(8_191)}\ufffd${mark}`);
  });

  test('values are masked in every line, at cuts and in unfinished ones, and are nowhere on disk', async () => {
    await using logs = await Logs.open();
    const secret = 'S3cretValue-S3cretValue-0123456789-abcdefghij';
    await logs.store.attach(logs.source({ run: 'r1', masks: [secret, 'line-one-of-key\nline-two-of-key'] }));
    logs.append('r1', `a ${secret} b ${secret}\nline-one-of-key\n  line-two-of-key\n`);
    logs.append('r1', `${'x'.repeat(16_384 - 20)}${secret}${'y'.repeat(100)}\n`);
    // Never ends, and is nothing but the secret: wherever it is cut, no half of it may show.
    logs.append('r1', secret.repeat(4_000));
    await logs.store.flush('r1');
    logs.append('r1', `\nunfinished ${secret}`);
    await logs.store.flush('r1');
    logs.store.write({ service: api, kind: 'kapal', run: 'k', instance: null, release: 1, text: `it said ${secret}` });
    const texts = await logs.texts();
    assert.deepEqual(texts.slice(0, 3), ['a [masked] b [masked]', '[masked]', '  [masked]']);
    assert.deepEqual(texts.slice(-2), ['unfinished [masked]', 'it said [masked]']);
    for (const text of texts) assert.ok(!text.includes(secret.slice(0, 12)), text.slice(0, 200));
    await logs.close();
    const raw = new DatabaseSync(logs.path);
    const found = raw
      .prepare("SELECT count(*) AS n FROM lines WHERE instr(text, 'S3cret') > 0 OR instr(text, 'of-key') > 0")
      .get();
    raw.close();
    assert.equal(found?.['n'], 0);
  });

  test('a secret that is written in two pieces is masked even when a flush comes between', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1', masks: ['hunter2-hunter2'] }));
    logs.append('r1', 'password is hunter2-');
    const flushed = logs.store.flush('r1');
    logs.append('r1', 'hunter2\n');
    await flushed;
    await logs.store.detach('r1');
    assert.deepEqual(await logs.texts(), ['password is [masked]']);
  });

  test('attaching again takes new masks', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'r1', masks: ['first-value'] }));
    await logs.store.attach(logs.source({ run: 'r1', masks: ['second-value'] }));
    logs.append('r1', 'first-value second-value\n');
    await logs.store.flush('r1');
    assert.deepEqual(await logs.texts(), ['first-value [masked]']);
  });
});

describe('the database', () => {
  test('forget removes the lines of one service, and numbers are not given again', async () => {
    await using logs = await Logs.open();
    await logs.store.attach(logs.source({ run: 'a' }));
    logs.append('a', 'x\n'.repeat(10_000));
    await logs.store.detach('a');
    logs.store.write({ service: web, kind: 'kapal', run: 'w', instance: null, release: null, text: 'stays' });
    await logs.store.forget(api);
    await logs.store.forget(api);
    assert.deepEqual(await logs.texts(), ['stays']);
    await logs.store.forget(web);
    await logs.reopen();
    logs.store.write({ service: web, kind: 'kapal', run: 'w', instance: null, release: null, text: 'new' });
    assert.deepEqual(
      (await logs.lines()).map((line) => [line.sequence, line.text]),
      [[10_002, 'new']],
    );
  });

  test('one of a newer Kapal is refused, a damaged one is put aside', async () => {
    await using logs = await Logs.open();
    await logs.close();
    const raw = new DatabaseSync(logs.path);
    raw.exec('PRAGMA user_version = 99');
    raw.close();
    await assert.rejects(logs.reopen(), (error) => error instanceof KapalError && error.code === 'state_newer');
    writeFileSync(logs.path, 'no database at all'.repeat(1000));
    await logs.reopen();
    logs.store.write({ service: web, kind: 'kapal', run: 'w', instance: null, release: null, text: 'new' });
    assert.deepEqual(await logs.texts(), ['new']);
    assert.ok(existsSync(`${logs.path}.damaged`));
    assert.match(logs.warnings.join(), /damaged/);
  });

  test('a folder that is not there is an error, not a hang', async () => {
    await assert.rejects(openLogStore({ path: '/nonexistent-folder/logs.db' }), /unable to open/);
  });

  test('a closed store refuses politely', async () => {
    await using logs = await Logs.open();
    const { store } = logs;
    await logs.close();
    await assert.rejects(store.query({ limit: 1 }), /closed/);
    await store.close();
  });
});
