import { KapalError } from '../../model/errors.ts';
import { Report } from '../report.ts';
import { parseYaml } from './parse.ts';
import type { MapValue } from './value.ts';

/** A YAML or JSON file as a mapping with places. Throws `declaration_invalid` where it is none. */
export function readMap(text: string, file: string): MapValue {
  const report = new Report(file);
  const value = parseYaml(text, report);
  if (value?.kind !== 'map' && report.sound)
    report.refuse({ line: 1, column: 1, path: '' }, value === null ? 'is empty' : 'is not a mapping (name: value)');
  report.throwProblems();
  if (value?.kind !== 'map') throw new KapalError('declaration_invalid', `${file}:1:1: is not a mapping`);
  return value;
}
