import { createHash } from 'node:crypto';
import { controlLines } from './control.ts';
import { commonLines } from './http.ts';
import { processLines } from './process.ts';
import { proxyLines } from './proxy.ts';
import { serverLines } from './server.ts';
import type { EngineSettings } from './settings.ts';
import { block, type Lines, sections } from './text.ts';
import { upstreamLines } from './upstreams.ts';
import { variableLines } from './variables.ts';

export interface Configuration {
  /** The whole of nginx.conf. */
  readonly text: string;
  /** Of everything in it but itself: what `GET /configuration` on the control socket answers once it runs. */
  readonly digest: string;
}

/** nginx.conf for these settings: the same settings are the same text. Throws a RangeError for a path that cannot be written in it. */
export function renderConfiguration(settings: EngineSettings): Configuration {
  const digest = createHash('sha256').update(textOf(settings, '')).digest('hex').slice(0, 16);
  return { text: textOf(settings, digest), digest };
}

function textOf(settings: EngineSettings, digest: string): string {
  const http = sections(
    commonLines(settings),
    variableLines(settings),
    proxyLines(settings),
    upstreamLines(),
    serverLines(settings),
    controlLines(digest),
  );
  const lines: Lines = sections(
    [
      "# Kapal's edge. Written by the daemon, which replaces it whole: changes made here are lost.",
      '# Sites are not in this file: they are in shared memory, which `kapal edge config` prints below it.',
    ],
    processLines(settings),
    block('http', http),
  );
  return `${lines.join('\n')}\n`;
}
