import assert from 'node:assert/strict';

/** A test of one value, or the shape of an object by key. */
type Kind = (value: unknown) => boolean;
export type Shape = Kind | { readonly [key: string]: Shape };

export const text: Kind = (value) => typeof value === 'string' && value !== '';
export const count: Shape = (value) => Number.isInteger(value) && Number(value) >= 0;
export const flag: Shape = (value) => typeof value === 'boolean';
export const moment: Shape = (value) => typeof value === 'string' && new Date(value).toISOString() === value;
export const texts: Shape = (value) => Array.isArray(value) && value.every((one) => typeof one === 'string');

export function oneOf(...known: readonly unknown[]): Shape {
  return (value) => known.includes(value);
}

export function orNull(kind: Kind): Kind {
  return (value) => value === null || kind(value);
}

/** Fails unless the value has exactly the keys of the shape, each of its kind. `at` names the place in the message. */
export function assertShape(value: unknown, shape: Shape, at = 'document'): void {
  if (typeof shape === 'function') {
    assert.ok(shape(value), `${at} is ${JSON.stringify(value)}`);
    return;
  }
  assert.ok(typeof value === 'object' && value !== null && !Array.isArray(value), `${at} is ${JSON.stringify(value)}`);
  assert.deepEqual(Object.keys(value).sort(), Object.keys(shape).sort(), `the keys of ${at}`);
  for (const [key, inner] of Object.entries(shape)) {
    assertShape((value as Readonly<Record<string, unknown>>)[key], inner, `${at}.${key}`);
  }
}

/** Every element of an array, which must not be empty. */
export function assertEach(value: unknown, shape: Shape, at = 'document'): void {
  assert.ok(Array.isArray(value) && value.length > 0, `${at} is ${JSON.stringify(value)}`);
  for (const [index, one] of value.entries()) assertShape(one, shape, `${at}[${index}]`);
}
