import type { FoundNginx, MissingNginx } from '../edge/nginx/locate.ts';
import { KapalError } from '../model/errors.ts';

export type EngineName = 'embedded' | 'nginx';

export interface EngineChoice {
  readonly engine: EngineName;
  /** For `status` and the log: why this one. */
  readonly why: string;
}

/**
 * Pure: which engine serves. What was asked for, if it can; else the one that serves this data folder already, since a change of engine closes the
 * public ports for a moment and nobody asked for that; else nginx where it can serve. Throws `not_supported` where nginx was asked for and cannot.
 */
export function chooseEngine(input: {
  readonly asked: EngineName | 'auto';
  readonly nginx: FoundNginx | MissingNginx;
  /** The engine that runs in this data folder now. */
  readonly running: EngineName | null;
}): EngineChoice {
  const { asked, nginx, running } = input;
  if (asked === 'embedded') return { engine: 'embedded', why: 'asked for' };
  if (asked === 'nginx') {
    if (nginx.found) return { engine: 'nginx', why: `asked for; ${described(nginx)}` };
    throw new KapalError('not_supported', `nginx cannot serve here: ${nginx.why}`, {
      hint: 'Install it with: kapal edge install. Or let Kapal choose: --edge auto',
    });
  }
  if (running === 'embedded' && nginx.found) {
    return {
      engine: 'embedded',
      why: `it serves already; ${described(nginx)} could: kapal down, then kapal up --edge nginx`,
    };
  }
  if (nginx.found) return { engine: 'nginx', why: described(nginx) };
  return { engine: 'embedded', why: `${nginx.why}; kapal edge install brings it` };
}

function described({ program, version }: FoundNginx): string {
  return `nginx ${version} with its Lua module is at ${program}`;
}
