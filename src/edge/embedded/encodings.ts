/** Codings for which a build may have left a compressed sibling, the denser first. */
export const precompressed = [
  { coding: 'br', extension: '.br' },
  { coding: 'gzip', extension: '.gz' },
] as const;

/** Whether Accept-Encoding takes a coding (RFC 9110 12.5.3): named or by `*`, and not with q=0. */
export function acceptsCoding(field: string | null, coding: string): boolean {
  if (field === null) return false;
  const qualities = new Map(
    field.split(',').map((part) => {
      const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return [name, quality === undefined ? 1 : Number(quality.slice(2))];
    }),
  );
  const quality =
    qualities.get(coding) ?? (coding === 'gzip' ? qualities.get('x-gzip') : undefined) ?? qualities.get('*') ?? 0;
  return quality > 0;
}
