/** The tables of docs/guides/kapal-yaml*.md, made from the field tables that the reader itself works by. */
import { rootFields } from '../../src/spec/table/root.ts';
import { diskFields } from '../../src/spec/table/disk.ts';
import {
  basicAuthFields,
  basicUserFields,
  connectionLimitFields,
  edgeFields,
  headerChangeFields,
  httpsFields,
  queueFields,
  rateLimitFields,
  redirectFields,
  rewriteFields,
  stickyFields,
  upstreamTlsFields,
} from '../../src/spec/table/edge.ts';
import {
  buildFields,
  buildFilterFields,
  healthCheckFields,
  rolloutFields,
  upstreamFields,
} from '../../src/spec/table/kapal.ts';
import { headerFields, ipAllowListFields, maintenanceModeFields, routeFields } from '../../src/spec/table/routes.ts';
import { serviceFields } from '../../src/spec/table/service.ts';
import type { Field, Table } from '../../src/spec/table/shape.ts';
import { fromServiceFields, groupFields, variableFields } from '../../src/spec/table/variables.ts';
import { type Language, languages } from './languages.ts';

/** Every mapping of the declaration, in the order of the manual. */
export const tables: readonly (readonly [path: string, table: Table])[] = [
  ['', rootFields],
  ['services[]', serviceFields],
  ['services[].envVars[]', variableFields],
  ['services[].envVars[].fromService', fromServiceFields],
  ['envVarGroups[]', groupFields],
  ['services[].routes[]', routeFields],
  ['services[].headers[]', headerFields],
  ['services[].ipAllowList[]', ipAllowListFields],
  ['services[].maintenanceMode', maintenanceModeFields],
  ['services[].buildFilter', buildFilterFields],
  ['services[].edge', edgeFields],
  ['services[].edge.sticky', stickyFields],
  ['services[].edge.queue', queueFields],
  ['services[].edge.rateLimit', rateLimitFields],
  ['services[].edge.connectionLimit', connectionLimitFields],
  ['services[].edge.basicAuth', basicAuthFields],
  ['services[].edge.basicAuth.users[]', basicUserFields],
  ['services[].edge.requestHeaders, responseHeaders', headerChangeFields],
  ['services[].edge.redirects[]', redirectFields],
  ['services[].edge.rewrites[]', rewriteFields],
  ['services[].edge.https', httpsFields],
  ['services[].edge.upstreamTls', upstreamTlsFields],
  ['services[].rollout', rolloutFields],
  ['services[].disk', diskFields],
  ['services[].healthCheck', healthCheckFields],
  ['services[].build', buildFields],
  ['services[].upstreams[]', upstreamFields],
];

export const pages = [
  { file: 'docs/guides/kapal-yaml.md', language: languages.english },
  { file: 'docs/guides/kapal-yaml.id.md', language: languages.indonesian },
] as const;

const BEGIN = '<!-- fields: written by scripts/write-spec-docs.ts -->';
const END = '<!-- end of fields -->';

/** The page with its tables renewed. Throws when the markers are not there. */
export function renewed(page: string, language: Language): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`the page needs the lines ${BEGIN} and ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${reference(language)}\n${page.slice(end)}`;
}

function reference(language: Language): string {
  return tables.map(([path, table]) => section(path, table, language)).join('\n');
}

function section(path: string, table: Table, language: Language): string {
  const fields = Object.entries<Field<unknown>>(table);
  const title = path === '' ? language.top : `\`${path}\``;
  const honoured = fields
    .filter(([, field]) => field.support === 'yes')
    .map(([name, field]) => honouredRow(name, field, language));
  return [
    `### ${title}`,
    '',
    row(language.head),
    row(language.head.map(() => '---')),
    ...honoured,
    '',
    ...others(
      language.ignored,
      fields.filter(([, field]) => field.support === 'warn'),
      language,
    ),
    ...others(
      language.refused,
      fields.filter(([, field]) => field.support === 'later'),
      language,
    ),
  ].join('\n');
}

function honouredRow(name: string, field: Field<unknown>, language: Language): string {
  const marks = [field.required ? language.required : '', field.of === 'kapal' ? 'Kapal' : ''].filter(
    (mark) => mark !== '',
  );
  const label = `\`${name}\`${marks.length === 0 ? '' : ` (${marks.join(', ')})`}`;
  const fallback = field.fallback === null ? '' : language.says(field.fallback);
  return row([
    label,
    language.kind(field.shape.is),
    field.types === null ? '' : field.types.join(', '),
    fallback,
    language.says(field.says),
  ]);
}

/** Fields of one reason on one line. */
function others(title: string, fields: readonly (readonly [string, Field<unknown>])[], language: Language): string[] {
  if (fields.length === 0) return [];
  const byReason = new Map<string, string[]>();
  for (const [name, field] of fields) byReason.set(field.says, [...(byReason.get(field.says) ?? []), `\`${name}\``]);
  return [title, '', ...[...byReason].map(([reason, names]) => `- ${names.join(', ')}: ${language.says(reason)}`), ''];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** Every text of the tables that a language has to have, for the test that none is missing. */
export function saidTexts(): readonly string[] {
  return tables.flatMap(([, table]) =>
    Object.values<Field<unknown>>(table).flatMap((field) => [
      field.says,
      ...(field.fallback === null ? [] : [field.fallback]),
    ]),
  );
}
