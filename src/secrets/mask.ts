/** What stands in logs in place of a secret value. */
export const masked = '[masked]';

/** Shorter values (`true`, `8080`, `eu`) would black out ordinary words and protect nothing. */
const shortest = 6;

/** Replaces every value in a text. Made once per set of values, used for thousands of lines a second. */
export interface Masker {
  (text: string): string;
}

/**
 * Makes a masker for values of at least 6 characters. A value of several lines is masked line by line, for that is how it comes out
 * of a log; the forms in which programs print a value inside JSON and URLs are masked too. Longer values win over those they contain.
 */
export function createMasker(values: readonly string[]): Masker {
  const forms = new Set(values.flatMap(formsOf).filter((form) => form.length >= shortest));
  if (forms.size === 0) return (text) => text;
  const longestFirst = [...forms].sort((a, b) => b.length - a.length || (a < b ? -1 : 1));
  const pattern = new RegExp(longestFirst.map((form) => RegExp.escape(form)).join('|'), 'g');
  return (text) => text.replace(pattern, masked);
}

function formsOf(value: string): string[] {
  const whole = value.trim();
  const lines = whole.split(/[\r\n]+/).map((line) => line.trim());
  return [insideJson(whole), insideUrl(whole), ...lines.flatMap((line) => [line, insideJson(line), insideUrl(line)])];
}

function insideJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Lone surrogates have no form in a URL. */
function insideUrl(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : text;
}
