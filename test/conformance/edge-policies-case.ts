import { pbkdf2Sync } from 'node:crypto';
import type { BasicUser, Policy } from '../../src/edge/policy.ts';
import type { Route } from '../../src/edge/port.ts';
import type { Want } from './edge-policies-backend.ts';

/** Requests to one host, whose routes are under one policy. `HOST` and `HTTPS` in expected headers stand for the host and the port of HTTPS. */
export interface PolicyCase {
  readonly name: string;
  readonly policy?: Omit<Policy, 'id'>;
  /** All paths to the pool `app` unless told; all are under the policy where there is one. */
  readonly routes?: readonly CaseRoute[];
  /** Tokens with their answers. */
  readonly challenges?: Readonly<Record<string, string>>;
  readonly asks: readonly CaseAsk[];
}

/** Pools: `app` and `other` are applications, `files` and `spa` static ones (the latter falls back to index.html), `gone` has no endpoint. */
export interface CaseRoute extends Partial<Omit<Route, 'host' | 'policy' | 'pool'>> {
  readonly pool?: 'app' | 'other' | 'files' | 'spa' | 'gone';
}

export interface CaseAsk {
  /** `/` unless told. */
  readonly target?: string;
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly version?: '1.0' | '1.1';
  /** What the application is asked to answer. */
  readonly want?: Want;
  readonly expect: Expected;
}

export interface Expected {
  readonly status: number;
  /** `null`: the answer has none of it. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  /** After decompression. */
  readonly body?: string | RegExp;
  /** What the application saw; `null`: no request reached one. */
  readonly saw?: ExpectedSight | null;
}

export interface ExpectedSight {
  readonly url?: string;
  readonly method?: string;
  readonly body?: string;
  readonly backend?: string;
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
}

/** A user of basic auth; few iterations, for tests alone. */
export function user(name: string, password: string): BasicUser {
  const salt = 'a1b2c3d4e5f60718';
  const digest = pbkdf2Sync(password, Buffer.from(salt, 'hex'), 1000, 32, 'sha256').toString('hex');
  return { name, salt, iterations: 1000, digest };
}

export function basic(name: string, password: string): [string, string] {
  return ['Authorization', `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`];
}

export function forwardedFor(value: string): [string, string] {
  return ['X-Forwarded-For', value];
}

/** The tests come from here. */
export const here = '127.0.0.1/32';
