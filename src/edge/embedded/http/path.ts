/**
 * The path by which a request is routed: percent-decoded once, `//` merged, `.` and `..` resolved, so that no spelling of a path leads
 * to another pool than its plain form. A slash hidden as `%2F` stays hidden: applications use it inside one segment. `null` where
 * nobody should act on it: broken percent encoding, NUL, `..` above the root.
 */
export function routedPath(rawPath: string): string | null {
  if (/%(?![0-9A-Fa-f]{2})/.test(rawPath)) return null;
  const bytes = rawPath.replace(/%(?!2[fF])([0-9A-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  if (bytes.includes('\0')) return null;
  return resolved(Buffer.from(bytes, 'latin1').toString('utf8'));
}

/** The path of a file: as `routedPath`, but refused (`null`) also where it is not UTF-8 or holds a backslash or a hidden slash. */
export function filePath(rawPath: string): string | null {
  if (rawPath.includes('\\') || /%(?:2f|5c|00)/i.test(rawPath)) return null;
  try {
    return resolved(decodeURIComponent(rawPath));
  } catch {
    return null;
  }
}

function resolved(path: string): string | null {
  const segments: string[] = [];
  const parts = path.split('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') segments.push(part);
    else if (segments.pop() === undefined) return null;
  }
  const last = parts[parts.length - 1];
  const ending = segments.length > 0 && (last === '' || last === '.' || last === '..') ? '/' : '';
  return `/${segments.join('/')}${ending}`;
}
