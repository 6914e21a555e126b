import { headerName, headerValue } from './headers.ts';
import { network } from './network.ts';
import { object } from './object.ts';
import { destination, pattern } from './pattern.ts';
import { honoured, refused } from './shape.ts';
import { choice, flag, list, located, text } from './shapes.ts';

/** Fields of Render's that the edge honours: `routes`, `headers`, `ipAllowList` and `maintenanceMode`. */

export const routeFields = {
  type: honoured(choice(['redirect', 'rewrite']), 'What is done with the visitor. A redirect has the status 301.', {
    required: true,
  }),
  source: honoured(pattern, 'The paths it is for.', { required: true }),
  destination: honoured(
    destination('destination'),
    'Where it leads: for a rewrite a path of the same site, for a redirect a URL too.',
    {
      required: true,
    },
  ),
} as const;

export const headerFields = {
  path: honoured(pattern, 'The paths that it is sent with.', { required: true }),
  name: honoured(headerName, 'The name of the header.', { required: true }),
  value: honoured(headerValue, 'Its value.', { required: true }),
} as const;

export const ipAllowListFields = {
  source: honoured(network, 'An address or a network; `0.0.0.0/0` for everyone.', { required: true }),
  description: honoured(text, 'For people.'),
} as const;

export const maintenanceModeFields = {
  enabled: honoured(flag, 'With `true` every request is answered with 503.', { fallback: 'false' }),
  uri: refused('a page of your own comes in a later version of Kapal, which answers with its own', {
    harmless: (value) => value.kind === 'scalar' && value.value === '',
  }),
} as const;

export const routes = list(located(object('routes', routeFields)));
export const headers = list(object('headers', headerFields));
export const ipAllowList = list(object('ipAllowList', ipAllowListFields));
export const maintenanceMode = object('maintenanceMode', maintenanceModeFields);
