/** The parts of an OpenAPI document (3.1) that are put right here. */
interface Draft {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>> | undefined;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> | undefined } | undefined;
}

interface Operation {
  readonly responses?: Readonly<Record<string, { readonly description: string }>> | undefined;
}

const meanings: Readonly<Record<string, string>> = {
  '200': 'The answer',
  '201': 'It is there now.',
  '202': 'Acknowledged: it will be done, and survives a crash',
  '204': 'Done',
  '4XX': 'The request cannot be done; the code says why',
  '5XX': 'A fault of Kapal, or of what it works with; the code says which',
};
/** What the generator writes where a response has no description. */
const UNSAID = 'Default Response';

/**
 * The document as it is published: every response says what it means, and shapes that are equal as request and as response have one
 * name (the generator makes `Name` and `NameInput` of each).
 */
export function publish(document: object): string {
  const described = JSON.stringify(describeResponses(document));
  const { components } = JSON.parse(described) as Draft;
  const names = Object.keys(components?.schemas ?? {}).filter((name) => `${name}Input` in (components?.schemas ?? {}));
  const renamed = names.reduce((text, name) => text.replaceAll(`schemas/${name}Input"`, `schemas/${name}"`), described);
  return JSON.stringify(JSON.parse(renamed), (key, value: unknown) =>
    key === 'schemas' && isObject(value) ? without(value, new Set(names.map((name) => `${name}Input`))) : value,
  );
}

function describeResponses(document: Draft): object {
  const paths = mapValues(document.paths ?? {}, (methods) =>
    mapValues(methods, (operation) => ({
      ...operation,
      responses: mapValues(operation.responses ?? {}, (response, status) => ({
        ...response,
        description: response.description === UNSAID ? (meanings[status] ?? UNSAID) : response.description,
      })),
    })),
  );
  return { ...document, paths };
}

function mapValues<T, U>(fields: Readonly<Record<string, T>>, change: (value: T, key: string) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, change(value, key)]));
}

function without(fields: object, keys: ReadonlySet<string>): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !keys.has(key)));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
