import { slug } from '../../model/names.ts';
import { shown } from '../report.ts';
import { mismatch, refuseAt, textOf } from './expectation.ts';
import { object } from './object.ts';
import { honoured, own, type Shape } from './shape.ts';
import { flag, whole } from './shapes.ts';

/** A folder of its own in the data folder is called so. */
const diskName: Shape<string> = {
  is: { kind: 'text' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    return slug(found) ?? refuseAt(value, at, `${shown(found)} has no letter or digit to make a name of`);
  },
};

/** Where Render keeps the source. */
const renderSource = '/opt/render/project/src';

/** Folders of the system, and those in which anybody may write: what is mounted over them would be taken for theirs. */
const systems = [
  'bin',
  'boot',
  'dev',
  'etc',
  'lib',
  'lib32',
  'lib64',
  'libx32',
  'proc',
  'root',
  'run',
  'sbin',
  'sys',
  'tmp',
  'usr',
];

/** `./data/` is `data` in rootDir, `/opt/render/project/src/data` is `data` in the source, `/var/data` is outside of both. */
const mountPath: Shape<MountPath> = {
  is: { kind: 'mount-path' },
  read(value, at) {
    const found = textOf(value);
    if (found === null) return mismatch(value, at, this.is);
    const parts = found.split('/').filter((part) => part !== '' && part !== '.');
    if (/[\p{Cc}:\\]/u.test(found) || parts.includes('..'))
      return refuseAt(
        value,
        at,
        `expected a path without "..", colons, backslashes and control characters, found ${shown(found)}`,
      );
    if (!found.startsWith('/'))
      return parts.length === 0
        ? refuseAt(value, at, 'is the whole folder of the service: name a folder in it')
        : { from: 'root-dir', path: parts.join('/') };
    const path = `/${parts.join('/')}`;
    if (path === renderSource || renderSource.startsWith(`${path}/`))
      return refuseAt(value, at, 'is the whole folder of the source: name a folder in it');
    if (path.startsWith(`${renderSource}/`)) return { from: 'source', path: path.slice(renderSource.length + 1) };
    const [top = ''] = parts;
    if (top === '' || systems.includes(top))
      return refuseAt(
        value,
        at,
        `${shown(path)} belongs to the system: take a path such as /var/data, or a folder of the service`,
      );
    return { from: 'system', path };
  },
};

export interface MountPath {
  /** What the path begins at: `system` is absolute. */
  readonly from: 'system' | 'source' | 'root-dir';
  readonly path: string;
}

export const diskFields = {
  name: honoured(
    diskName,
    'Its name, made of lower-case letters, digits and dashes. Another name is another disk: the old one is kept, detached.',
    { required: true },
  ),
  mountPath: honoured(
    mountPath,
    'Where the service sees it: a folder of the service (`data`, or below `/opt/render/project/src`), or any other absolute path (`/var/data`), which needs a daemon that runs as root. The real path is in `KAPAL_DISK`.',
    { required: true },
  ),
  sizeGB: honoured(
    whole(1, 100_000),
    'The size that it is meant to have. It is accounted and warned of, not enforced.',
    { fallback: '10' },
  ),
  shared: own(
    flag,
    'Several instances write to it at once, as to the shared folders of Capistrano and Deployer: for uploads, never for a SQLite file. The service keeps `numInstances`, and a rollout starts the next instance before it stops the last. A folder of the service is filled at first with what the source has there, and not again.',
    { fallback: 'false' },
  ),
} as const;

export const disk = object('disk', diskFields);
