import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Log } from '../lib/log.ts';
import { catalogue, type ErrorDocument, errorDocument, KapalError } from '../model/errors.ts';
import type { FailureDocument } from './contract/types.ts';

/** An error as it is answered. */
export interface Failure {
  readonly status: number;
  readonly document: FailureDocument;
}

/** Any error of a request as its answer: never a stack trace, and for a fault of ours no more than that it was one. */
export function failureOf(error: unknown): Failure {
  if (error instanceof KapalError) return answer(error.toDocument());
  if (hasZodFastifySchemaValidationErrors(error)) return answer(invalid(error));
  if (isRefusal(error)) return answer(refusal(error), error.statusCode);
  const document = errorDocument(error);
  return answer(document.code === 'internal' ? { ...document, message: 'a fault in Kapal itself' } : document);
}

function answer(error: ErrorDocument, status: number = catalogue[error.code].status): Failure {
  return { status, document: { error } };
}

/** What Fastify itself refuses: JSON that is none, a body that is too large, a media type that is not known. */
function isRefusal(error: unknown): error is FastifyError & { readonly statusCode: number } {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return false;
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}

function refusal(error: FastifyError): ErrorDocument {
  return { code: 'usage', message: error.message, hint: 'See /api/docs.', log: [] };
}

function invalid(error: Parameters<typeof describeInvalid>[0]): ErrorDocument {
  return { code: 'usage', message: describeInvalid(error), hint: 'See /api/docs.', log: [] };
}

/** `body.source.digest: Invalid input: expected string, received undefined` */
function describeInvalid(error: {
  readonly validation: readonly { readonly instancePath: string; readonly message?: string }[];
  readonly validationContext?: string | undefined;
}): string {
  const context = error.validationContext ?? 'request';
  const faults = error.validation.map(({ instancePath, message }) => {
    const path = instancePath.split('/').filter((part) => part !== '');
    return `${[context, ...path].join('.')}: ${message ?? 'is not of the expected form'}`;
  });
  return faults.join('; ');
}

/** Answers with a failure, whatever the route would have answered. */
export function answerFailure(reply: FastifyReply, { status, document }: Failure): void {
  void reply.code(status).type('application/json; charset=utf-8').serializer(JSON.stringify).send(document);
}

/** Fastify's error handler: any error in the one shape of failures. */
export function failureHandler(log: Log) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): void => {
    const { status, document } = failureOf(error);
    // An upload that breaks off is nobody's fault here, and nobody hears the answer.
    const facts = { err: error, method: request.method, route: request.routeOptions.url };
    if (status >= 500 && !request.raw.destroyed) log.error(facts, 'a request failed');
    if (status === 401) void reply.header('www-authenticate', 'Bearer realm="kapal"');
    answerFailure(reply, { status, document });
  };
}

/** The answer to paths that there are none of. */
export function refuseUnknown(request: FastifyRequest): never {
  const path = request.url.split('?')[0] ?? '';
  throw new KapalError('not_found', `the API has no ${request.method} ${path}`, { hint: 'See /api/docs.' });
}
