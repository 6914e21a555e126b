import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportCompose } from '../../../src/convert/export/compose.ts';
import { exportNginx } from '../../../src/convert/export/nginx.ts';
import { exportProcfile } from '../../../src/convert/export/procfile.ts';
import { exportRender } from '../../../src/convert/export/render.ts';
import { exportSystemd } from '../../../src/convert/export/systemd.ts';
import { read } from '../spec/source.ts';

const spec = read({
  'kapal.yaml':
    'services:\n  - {type: web, name: blog, runtime: php, numInstances: 2, disk: {name: media, mountPath: uploads, shared: true}}\n',
  'index.php': '',
});

describe('a shared disk of a PHP service in the files of others', () => {
  const exporters = { exportCompose, exportNginx, exportProcfile, exportRender, exportSystemd };
  const shared: Readonly<Record<keyof typeof exporters, RegExp | null>> = {
    exportCompose: null,
    exportNginx: null,
    exportProcfile: /has no word for it/,
    exportRender: /gives a disk to one instance alone/,
    exportSystemd: /the same StateDirectory/,
  };
  for (const [name, write] of Object.entries(exporters))
    test(name, () => {
      const { notes } = write(spec);
      const said = (field: string) => notes.find(({ field: at }) => at === `blog.${field}`)?.message ?? null;
      const expected = shared[name as keyof typeof exporters];
      if (expected === null) assert.equal(said('disk.shared'), null);
      else assert.match(said('disk.shared') ?? '', expected);
      assert.match(said('startCommand') ?? '', /what Kapal's build writes for PHP/);
    });
});
