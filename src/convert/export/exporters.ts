import { exportCompose } from './compose.ts';
import type { Exporter } from './exporter.ts';
import { exportNginx } from './nginx.ts';
import { exportProcfile } from './procfile.ts';
import { exportRender } from './render.ts';
import { exportSystemd } from './systemd.ts';

/** The tools that a declaration is written for. */
export const exporters = {
  render: exportRender,
  procfile: exportProcfile,
  compose: exportCompose,
  systemd: exportSystemd,
  nginx: exportNginx,
} as const satisfies Readonly<Record<string, Exporter>>;
