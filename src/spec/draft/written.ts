import { Document, isMap, isSeq, type Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import type { Origin } from './note.ts';
import type { MapValue, Value } from '../yaml/value.ts';
import type { Draft, DraftVariable, Plain, ServiceDraft } from './draft.ts';

/** A kapal.yaml as nodes that can be taken out again, and where each part of it comes from. */
export interface Written {
  readonly document: Document;
  /** By the node of a value, or by the pair of a field. */
  originOf(part: unknown): Origin | undefined;
}

/** The document of a draft. `heading` stands as a comment on top. */
export function writtenOf(draft: Draft, heading: string): Written {
  const origins = new WeakMap<object, Origin>();
  const document = new Document(new YAMLMap());
  const top = document.contents;
  if (!isMap(top)) throw new Error('a document that was made of a mapping has another');
  document.commentBefore = ` ${heading}`;
  if (draft.project !== null)
    put(document, top, { key: 'project', value: draft.project.name, origin: draft.project.origin, origins });
  const services = new YAMLSeq();
  for (const service of draft.services) services.add(serviceNode(document, service, origins));
  top.set('services', services);
  if (draft.shared !== null) top.set('envVarGroups', groupsNode(document, { ...draft.shared, origins }));
  return { document, originOf: (part) => lookup(origins, part) };
}

function serviceNode(document: Document, service: ServiceDraft, origins: WeakMap<object, Origin>): YAMLMap {
  const map = new YAMLMap();
  origins.set(map, service.origin);
  put(document, map, { key: 'type', value: service.type, origin: service.origin, origins });
  put(document, map, { key: 'name', value: service.name, origin: service.origin, origins });
  for (const { name, value, origin } of service.fields) put(document, map, { key: name, value, origin, origins });
  if (service.variables.length === 0) return map;
  map.set('envVars', variablesNode(document, { variables: service.variables, origins }));
  return map;
}

interface Variables {
  readonly variables: readonly DraftVariable[];
  readonly origins: WeakMap<object, Origin>;
}

function groupsNode(document: Document, group: Variables & { readonly name: string }): YAMLSeq {
  const map = new YAMLMap();
  map.set('name', group.name);
  map.set('envVars', variablesNode(document, group));
  const groups = new YAMLSeq();
  groups.add(map);
  return groups;
}

function variablesNode(document: Document, { variables, origins }: Variables): YAMLSeq {
  const list = new YAMLSeq();
  for (const { entry, origin } of variables) {
    const item = document.createNode(entry, { flow: true });
    if (origin !== null) origins.set(item, origin);
    list.add(item);
  }
  return list;
}

interface Put {
  readonly key: string;
  readonly value: Plain;
  readonly origin: Origin;
  readonly origins: WeakMap<object, Origin>;
}

function put(document: Document, map: YAMLMap, { key, value, origin, origins }: Put): void {
  const node: Node = document.createNode(value);
  if (isMap(node) || isSeq(node)) node.flow = key !== 'upstreams';
  const pair = new Pair(document.createNode(key), node);
  origins.set(pair, origin);
  map.items.push(pair);
}

function lookup(origins: WeakMap<object, Origin>, part: unknown): Origin | undefined {
  return typeof part === 'object' && part !== null ? origins.get(part) : undefined;
}

/** The document of a text that was read with its aliases followed: comments and anchors are gone, places are kept. */
export function writtenValue(value: MapValue, file: string): Written {
  const origins = new WeakMap<object, Origin>();
  const document = new Document();
  document.contents = nodeOf(value, { document, origins, file, path: '' });
  return { document, originOf: (part) => lookup(origins, part) };
}

interface Building {
  readonly document: Document;
  readonly origins: WeakMap<object, Origin>;
  readonly file: string;
  readonly path: string;
}

function nodeOf(value: Value, to: Building): Node {
  const { document, origins, file, path } = to;
  if (value.kind === 'list') {
    const list = new YAMLSeq();
    for (const [index, item] of value.items.entries()) list.add(nodeOf(item, { ...to, path: `${path}[${index}]` }));
    origins.set(list, { file, field: path, ...value.at });
    return list;
  }
  if (value.kind === 'map') {
    const map = new YAMLMap();
    for (const { key, keyAt, value: inner } of value.entries) {
      const below = path === '' ? key : `${path}.${key}`;
      const pair = new Pair(document.createNode(key), nodeOf(inner, { ...to, path: below }));
      origins.set(pair, { file, field: below, ...keyAt });
      map.items.push(pair);
    }
    origins.set(map, { file, field: path, ...value.at });
    return map;
  }
  const scalar = document.createNode(value.value);
  // `1.10` stays `1.10`.
  if (typeof value.value === 'number') scalar.source = value.source;
  return scalar;
}
