import { compose } from './compose.ts';
import { heroku } from './heroku.ts';
import type { Importer } from './importer.ts';
import { pm2 } from './pm2.ts';
import { procfile } from './procfile.ts';
import { render } from './render.ts';

/** The declarations of other tools that are read. */
export const importers = { render, procfile, heroku, compose, pm2 } as const satisfies Readonly<
  Record<string, Importer>
>;
