import { readProc } from './proc.ts';

export interface Mount {
  readonly path: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** What is mounted in this namespace; spaces and the like in paths are octal escapes (fstab(5)). */
export function mounts(text: string = readProc('/proc/self/mounts') ?? ''): Mount[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, path = '', type = '', options = ''] = line.split(' ');
      const unescaped = path.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      return { path: unescaped, type, options: options.split(',') };
    });
}
