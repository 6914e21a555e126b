import type { DeployedService, OperationDocument, OperationEvent } from '../../api/contract/types.ts';
import type { ErrorDocument } from '../../model/errors.ts';

/** Lines of a failing program that a pusher is shown. */
const shownLog = 20;

/** An event of a deploy as a pusher reads it, after git's own `remote: `. */
export function eventLines(event: OperationEvent): readonly string[] {
  switch (event.kind) {
    case 'stage':
      return [headline(`${prefix(event.service)}${event.message === '' ? event.stage : event.message}`)];
    case 'log':
      return [line(`    ${event.service} | ${event.text}`)];
    case 'notice':
      return [line(`note: ${prefix(event.service)}${event.message}`)];
    case 'service':
      return serviceLines(event.result);
    case 'finished':
      return event.operation.error === null ? [] : failureLines(event.operation.error);
  }
}

/** Whether all that was asked for is live. */
export function succeeded({ error, result }: OperationDocument): boolean {
  if (error !== null || result === null) return false;
  return result.services.every(({ outcome }) => outcome === 'live' || outcome === 'unchanged');
}

/** How each service of an operation that has ended came off. */
export function resultLines({ result }: OperationDocument): readonly string[] {
  return (result?.services ?? []).flatMap(serviceLines);
}

/** `deploy failed`, and why. */
export function failureLines({ message, hint, log }: ErrorDocument): readonly string[] {
  return [
    headline(`deploy failed: ${message}`),
    ...log.slice(-shownLog).map((text) => line(`    ${text}`)),
    ...(hint === null ? [] : [line(`    ${hint}`)]),
  ];
}

export function headline(text: string): string {
  return line(`==> ${text}`);
}

function serviceLines({ service, outcome, release, urls, milliseconds, error }: DeployedService): readonly string[] {
  const seconds = `${(milliseconds.total / 1_000).toFixed(1)} s`;
  if (outcome === 'live')
    return [headline(`${service}: release ${release} is live (${seconds})`), ...urls.map((url) => line(`    ${url}`))];
  if (outcome === 'unchanged') return [headline(`${service}: unchanged`), ...urls.map((url) => line(`    ${url}`))];
  const word = {
    failed: 'deploy failed',
    rolled_back: 'deploy failed and was withdrawn',
    cancelled: 'deploy cancelled',
  };
  const { message = '', hint = null, log = [] } = error ?? {};
  return [
    headline(`${service}: ${word[outcome]}${message === '' ? '' : `: ${message}`}`),
    ...log.slice(-shownLog).map((text) => line(`    ${text}`)),
    ...(hint === null ? [] : [line(`    ${hint}`)]),
  ];
}

function prefix(service: string | null): string {
  return service === null ? '' : `${service}: `;
}

/** One line whatever a program printed: what could move the cursor of a terminal or turn its writing around is taken out. */
function line(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').replace(/[\u202A-\u202E\u2066-\u2069]/g, '');
}
