import { honoured, ignored, refused } from './shape.ts';
import { object } from './object.ts';
import { choice, flag, list, scalar, text } from './shapes.ts';

const previews = 'this version makes no preview environments.';

/** The types that Render lets a reference name. It must agree with the service that is named. */
const referenceTypes = choice(['web', 'pserv', 'worker', 'cron', 'static', 'proxy'], {
  keyvalue:
    'managed Redis is not supported by this version of Kapal: run it yourself and declare its address as a value',
  redis: 'managed Redis is not supported by this version of Kapal: run it yourself and declare its address as a value',
  workflow: 'workflows are not supported by this version of Kapal',
});

export const fromServiceFields = {
  name: honoured(text, 'The service that the value comes from.', { required: true }),
  type: honoured(referenceTypes, 'Its type. May be left out; where it stands, it must be the right one.'),
  property: honoured(
    choice(['host', 'port', 'hostport', 'url'], {
      connectionString: 'only datastores have it, and this version of Kapal has none; take hostport or url',
      slug: 'Kapal gives services no slug; take host, hostport or url',
    }),
    "What of it: `host`, `port` and `hostport` of its private address (types web and pserv), or `url`, where visitors reach it (types web, static and proxy; Kapal's own).",
  ),
  envVarKey: honoured(
    text,
    'A variable of it, instead of a property. Two services cannot take variables from each other.',
  ),
} as const;

export const variableFields = {
  key: honoured(text, 'The name of the variable. Left out only beside `fromGroup`.'),
  value: honoured(scalar, 'The value. Numbers, `true` and `false` become the text that was written.'),
  generateValue: honoured(
    flag,
    'With `true` Kapal makes a random value (256 bits, base64) at the first deploy and keeps it.',
  ),
  sync: honoured(
    flag,
    'With `false` the value is not in the file: `kapal env set SERVICE KEY=VALUE` sets it, and a deploy without it stops before the build.',
  ),
  fromGroup: honoured(text, "Takes every variable of an environment group. The service's own variables win over them."),
  fromService: honoured(object('fromService', fromServiceFields), 'Takes the value from another service of this file.'),
  fromDatabase: refused(
    'managed databases are not supported by this version of Kapal: declare the address of the database with sync: false, and set it with kapal env set',
  ),
  previewValue: ignored(previews),
} as const;

export const variables = list(object('envVars', variableFields));

export const groupFields = {
  name: honoured(text, 'The name that `fromGroup` uses.', { required: true }),
  envVars: honoured(variables, 'Its variables: `value`, `generateValue` and `sync: false` only.', { required: true }),
} as const;
