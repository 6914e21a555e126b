import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, FastifyTypeProvider, RawServerDefault } from 'fastify';
import type { z } from 'zod';
import type { Commands } from '../reconcile/commands.ts';
import type { HookCommands } from '../reconcile/hooks/hooks.ts';
import type { PushCommands } from '../reconcile/pushes/pushes.ts';
import type { EventStreams } from './event-stream.ts';

/** The contract's documents are readonly and zod's outputs are not; answers are only read. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T;

interface SchemaTypes extends FastifyTypeProvider {
  readonly validator: this['schema'] extends z.ZodType ? z.output<this['schema']> : unknown;
  readonly serializer: this['schema'] extends z.ZodType ? DeepReadonly<z.output<this['schema']>> : unknown;
}

/** The Fastify instance, with types from zod schemas. */
export type App = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, SchemaTypes>;

/** What routes work with. */
export interface RouteContext {
  readonly commands: Commands;
  readonly pushes: PushCommands;
  readonly hooks: HookCommands;
  readonly streams: EventStreams;
}
