/** A part of a glob: one character that passes a test, any without a slash, whole folders, or anything at all. */
type Piece =
  | { readonly kind: 'one'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'some' | 'folders' | 'all' };

/** Why a text is no glob, as the end of a sentence; null for one that is. */
export function globFault(glob: string): string | null {
  if (glob === '' || glob.length > 300) return 'it has to have 1 to 300 characters';
  if (glob.startsWith('/')) return 'it is relative to the top of the repository: leave the slash at the beginning out';
  if (glob.split('/').some((part) => part === '..' || part === '.')) return 'it has a part . or ..';
  if (/\p{Cc}|\\/u.test(glob)) return 'it has a backslash or a control character';
  return piecesOf(glob) === null ? 'a [ has no ] that belongs to it' : null;
}

/**
 * Whether a path matches a glob as Render's build filters have them: `?` one character and `*` any number of them, but no slash; `**` any number of
 * folders; `[a-z]`, and `[^a-z]` for all others; everything else stands for itself. Both are relative to the top of the repository. Takes time in proportion
 * to the two lengths, whatever stands in the glob.
 */
export function matchesGlob(path: string, glob: string): boolean {
  const pieces = piecesOf(glob);
  if (pieces === null) return false;
  // A place is before a piece, times two; and one more within a folder that `**/` takes.
  let places = reached(pieces, new Set([0]));
  for (const character of path) {
    const next = new Set<number>();
    for (const place of places) step(pieces, { place, character, next });
    places = reached(pieces, next);
  }
  return places.has(2 * pieces.length);
}

function step(
  pieces: readonly Piece[],
  { place, character, next }: { place: number; character: string; next: Set<number> },
) {
  const piece = pieces[place >> 1];
  const isSlash = character === '/';
  switch (piece?.kind) {
    case 'one':
      if (piece.takes(character)) next.add(place + 2);
      break;
    case 'some':
      if (!isSlash) next.add(place);
      break;
    case 'all':
      next.add(place);
      break;
    case 'folders':
      if (!isSlash) next.add(place | 1);
      else if ((place & 1) === 1) next.add(place - 1);
      break;
    case undefined:
      break;
  }
}

/** With what may be passed over. */
function reached(pieces: readonly Piece[], places: Set<number>): Set<number> {
  for (const place of places) {
    const piece = pieces[place >> 1];
    if (piece !== undefined && piece.kind !== 'one' && (place & 1) === 0) places.add(place + 2);
  }
  return places;
}

function piecesOf(glob: string): Piece[] | null {
  const pieces: Piece[] = [];
  for (let rest = glob; rest !== ''; ) {
    const set = /^\[([!^]?)([^\]/]+)\]/.exec(rest);
    const [length, piece] = rest.startsWith('**/')
      ? ([3, { kind: 'folders' }] as const)
      : rest.startsWith('**')
        ? ([2, { kind: 'all' }] as const)
        : rest.startsWith('*')
          ? ([1, { kind: 'some' }] as const)
          : rest.startsWith('?')
            ? ([1, one((character) => character !== '/')] as const)
            : set === null
              ? ([1, exactly(rest.charAt(0))] as const)
              : ([set[0].length, setOf(set[1] !== '', set[2] ?? '')] as const);
    if (set === null && rest.startsWith('[')) return null;
    pieces.push(piece);
    rest = rest.slice(length);
  }
  return pieces;
}

function one(takes: (character: string) => boolean): Piece {
  return { kind: 'one', takes };
}

function exactly(wanted: string): Piece {
  return one((character) => character === wanted);
}

/** A dash between two characters is a range; nothing else in brackets has a meaning. */
function setOf(isNot: boolean, members: string): Piece {
  const ranges = [...members.matchAll(/(.)-(.)|(.)/gs)].map(([, from, to, single = '']) => [
    from ?? single,
    to ?? single,
  ]);
  const has = (character: string) => ranges.some(([from = '', to = '']) => from <= character && character <= to);
  return one((character) => character !== '/' && has(character) !== isNot);
}
