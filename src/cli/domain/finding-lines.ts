import { stripVTControlCharacters } from 'node:util';
import type { DomainCheckDocument, DomainFinding } from '../../api/contract/types.ts';
import type { Invocation } from '../command.ts';
import type { Colour } from '../output.ts';

const colours: Readonly<Record<DomainFinding['result'], Colour>> = {
  ok: 'green',
  warning: 'yellow',
  problem: 'red',
  unknown: 'cyan',
};

/** What was looked at, one finding a line, what to do below it. */
export function findingLines(
  { findings }: DomainCheckDocument,
  { out, say }: Pick<Invocation, 'out' | 'say'>,
): string[] {
  const words = Object.values(say.findings.results);
  const width = Math.max(...words.map((word) => stripVTControlCharacters(word).length));
  return findings.flatMap((finding) => {
    const { message, advice } = say.findings.said(finding);
    const word = say.findings.results[finding.result];
    const mark = out.out.paint(colours[finding.result], word) + ' '.repeat(width - word.length);
    const lines = [`${mark}  ${out.out.safe(message)}`];
    return advice === null ? lines : [...lines, `${' '.repeat(width)}  -> ${out.out.safe(advice)}`];
  });
}
