import { tmpdir } from 'node:os';
import { exec } from '../../lib/exec.ts';
import type { RuntimeCapabilities } from '../port.ts';
import { findCgroups } from './cgroup.ts';
import type { Cgroups } from './hierarchy.ts';

/** What this machine lets the driver do, found by trying each thing once. */
export interface Abilities {
  readonly cgroups: Cgroups | null;
  readonly separateUsers: boolean;
  readonly capabilities: RuntimeCapabilities;
}

/** As a stranger: the id of `nobody`, which owns nothing. */
const STRANGER = [
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--no-new-privs',
  '--inh-caps=-all',
  '--ambient-caps=-all',
  '--bounding-set=-all',
  '--',
];

/** `data` is the folder that the services' users have to pass to reach their releases. */
export async function findAbilities(options: {
  install: string;
  data: string;
  useCgroups: 'auto' | 'off';
}): Promise<Abilities> {
  const [cgroups, users, mounts] = await Promise.all([
    options.useCgroups === 'off' ? null : findCgroups(options.install),
    findUsers(options.data),
    canMount(options.data),
  ]);
  const memory = cgroups === null ? [memoryNote(options.useCgroups)] : [];
  const capabilities = {
    memoryLimit: cgroups !== null,
    separateUsers: users.separate,
    mounts,
    notes: [...memory, ...users.notes],
  };
  return { cgroups, separateUsers: users.separate, capabilities };
}

function memoryNote(wanted: 'auto' | 'off'): string {
  const who = 'Memory limits are kept by the daemon, which looks once a second, and not by the kernel';
  if (wanted === 'off') return `${who}: control groups are switched off.`;
  return `${who}: no memory control group (cgroup) can be made here; run the daemon as root on a kernel with the memory controller, or give its container a writable cgroup.`;
}

/** A mount namespace for each run, as its keeper makes it; the data folder is mounted over itself in one that ends at once. */
async function canMount(data: string): Promise<boolean> {
  if (process.getuid?.() !== 0) return false;
  const mount = ['mount', '-o', 'bind,nosuid,nodev', '--source', data, '--target', data];
  return (await exec('unshare', ['--mount', '--propagation', 'slave', '--', ...mount], { timeout: 5_000, cwd: '/' }))
    .ok;
}

async function findUsers(data: string): Promise<{ separate: boolean; notes: string[] }> {
  if (process.getuid?.() !== 0) {
    return {
      separate: false,
      notes: ['Services run as the user of the daemon: run it as root to give each a user of its own.'],
    };
  }
  const drop = await exec('setpriv', [...STRANGER, 'true'], { timeout: 5_000, cwd: tmpdir() });
  if (!drop.ok) {
    const why = drop.missing ? 'setpriv is missing (package util-linux)' : drop.stderr.trim();
    return { separate: false, notes: [`Services run as root, because the daemon may not change users: ${why}.`] };
  }
  const add = await exec('useradd', ['--help'], { timeout: 5_000 });
  if (add.missing) {
    return { separate: false, notes: ['Services run as root: useradd is missing (package passwd or shadow).'] };
  }
  const reach = await exec('setpriv', [...STRANGER, '/bin/sh', '-c', 'cd -- "$1"', 'sh', data], {
    timeout: 5_000,
    cwd: '/',
  });
  const closed = `Services cannot start: ${data} is closed to their users; every folder above it needs execute permission for others (chmod o+x).`;
  return { separate: true, notes: reach.ok ? [] : [closed] };
}
