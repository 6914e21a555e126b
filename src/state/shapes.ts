import type { Artifact, DeployTimes, SourceRecord } from '../model/deploy.ts';
import { catalogue, type ErrorDocument } from '../model/errors.ts';
import type { Exit } from '../model/instance.ts';
import { serviceTypes } from '../model/service.ts';
import type { RolloutFailure } from '../rollout/view.ts';
import type { RunHandle } from '../runtime/port.ts';
import type { ServiceSpec } from '../spec/spec.ts';

/**
 * What has to be true of a JSON column so that the daemon can work with it. Kapal wrote it, so this looks for the fields that tell
 * one shape from another and for damage; it does not repeat the validation of the spec.
 */

export function isServiceSpec(value: unknown): value is ServiceSpec {
  return (
    isRecord(value) &&
    typeof value['name'] === 'string' &&
    serviceTypes.some((type) => type === value['type']) &&
    ['commands', 'health', 'edge', 'rollout', 'build'].every((key) => isRecord(value[key])) &&
    ['groups', 'variables', 'domains', 'upstreams'].every((key) => Array.isArray(value[key])) &&
    ['instances', 'startTimeout', 'shutdownDelay'].every((key) => typeof value[key] === 'number')
  );
}

export function isRunHandle(value: unknown): value is RunHandle {
  return (
    isRecord(value) &&
    ['id', 'service', 'log'].every((key) => typeof value[key] === 'string') &&
    isRecord(value['driver'])
  );
}

export function isExit(value: unknown): value is Exit {
  return isRecord(value) && typeof value['reason'] === 'string' && typeof value['at'] === 'number';
}

export function isErrorDocument(value: unknown): value is ErrorDocument {
  return (
    isRecord(value) &&
    typeof value['code'] === 'string' &&
    Object.hasOwn(catalogue, value['code']) &&
    typeof value['message'] === 'string' &&
    Array.isArray(value['log'])
  );
}

export function isRolloutFailure(value: unknown): value is RolloutFailure {
  return isRecord(value) && typeof value['code'] === 'string' && typeof value['message'] === 'string';
}

export function isSourceRecord(value: unknown): value is SourceRecord {
  return (
    isRecord(value) && (value['kind'] === 'folder' || value['kind'] === 'git') && typeof value['digest'] === 'string'
  );
}

export function isArtifact(value: unknown): value is Artifact {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['path'] === 'string';
}

export function isDeployTimes(value: unknown): value is DeployTimes {
  return (
    isRecord(value) && ['source', 'build', 'start', 'shift', 'total'].every((key) => typeof value[key] === 'number')
  );
}

export function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((name) => typeof name === 'string');
}

/** A request is whatever its kind says: its readers know the shape. */
export function isAnything(_value: unknown): _value is unknown {
  return true;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
