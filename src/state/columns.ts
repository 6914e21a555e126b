import type { SQLOutputValue } from 'node:sqlite';
import { KapalError } from '../model/errors.ts';

/** One row as SQLite gives it. The readers below answer typed values or throw KapalError `state_damaged` naming the column. */
export type Row = Record<string, SQLOutputValue>;

export type Guard<T> = (value: unknown) => value is T;

export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : unexpected(column, 'text');
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : text(row, column);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  return typeof value === 'number' ? value : unexpected(column, 'a whole number');
}

export function integerOrNull(row: Row, column: string): number | null {
  return row[column] === null ? null : integer(row, column);
}

export function flag(row: Row, column: string): boolean {
  return integer(row, column) !== 0;
}

export function oneOf<T extends string>(row: Row, column: string, words: readonly T[]): T {
  const value = text(row, column);
  return words.find((word) => word === value) ?? unexpected(column, `one of ${words.join(', ')}`);
}

export function oneOfOrNull<T extends string>(row: Row, column: string, words: readonly T[]): T | null {
  return row[column] === null ? null : oneOf(row, column, words);
}

/** A JSON column, checked by its shape and frozen throughout: rows are shared by all who read them. */
export function json<T>(row: Row, column: string, guard: Guard<T>): T {
  const value = parse(text(row, column), column);
  return guard(value) ? freeze(value) : unexpected(column, 'JSON of the expected shape');
}

export function jsonOrNull<T>(row: Row, column: string, guard: Guard<T>): T | null {
  return row[column] === null ? null : json(row, column, guard);
}

/** For writing: JSON, or NULL for null. */
export function toJson(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

function parse(content: string, column: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return unexpected(column, 'JSON');
  }
}

function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}

function unexpected(column: string, expected: string): never {
  throw new KapalError('state_damaged', `The record holds something unexpected: column ${column} is not ${expected}`, {
    hint: 'Restore the record from a backup, or start the version of Kapal that wrote it.',
  });
}
