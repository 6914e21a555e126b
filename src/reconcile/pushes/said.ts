import { KapalError } from '../../model/errors.ts';

/** What a push does to a branch: object names, `isNothing` for none (gitprotocol-pack(5), reference update request). */
export interface BranchUpdate {
  readonly before: string;
  readonly after: string;
}

/** What git tells its hooks of a push (githooks(5)). */
export interface Said {
  readonly options: readonly string[];
  /** Name of the folder that the objects lie in until the push is taken. */
  readonly quarantine: string | null;
  /** Of the branches that may be deployed. */
  readonly branches: ReadonlyMap<string, BranchUpdate>;
  /** The first names of all else that is pushed, and how many there are. */
  readonly others: readonly string[];
  readonly otherCount: number;
}

const LONGEST_LINE = 64 * 1024;
/** Each part of a name is a folder, and each folder takes of the disk. */
const LONGEST_REF = 1_000;
const NAMED = 5;

/** Whether an object name says that there is none. */
export function isNothing(oid: string): boolean {
  return /^0+$/.test(oid);
}

/**
 * Reads what our hook sends: a line of JSON, then `BEFORE AFTER REF` for each ref. A push may have any number of refs, so only those of the branches that are
 * looked for are kept. Throws KapalError `usage` for anything else.
 */
export async function readSaid(body: AsyncIterable<Uint8Array>, wanted: ReadonlySet<string>): Promise<Said> {
  const branches = new Map<string, BranchUpdate>();
  const others: string[] = [];
  let otherCount = 0;
  let head: Pick<Said, 'options' | 'quarantine'> | null = null;
  for await (const line of linesOf(body)) {
    if (head === null) {
      head = parseHead(line);
      continue;
    }
    const [before = '', after = '', ref = ''] = line.split(' ', 3);
    if (ref.length > LONGEST_REF)
      throw new KapalError('usage', `a ref has a name of more than ${LONGEST_REF} characters`);
    const branch = ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : null;
    if (branch !== null && wanted.has(branch)) branches.set(branch, { before, after });
    else {
      otherCount += 1;
      if (others.length < NAMED) others.push(branch ?? ref);
    }
  }
  if (head === null) throw new KapalError('usage', 'the hook of the push said nothing');
  return { ...head, branches, others, otherCount };
}

async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    const lines = `${rest}${decoder.decode(piece, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST_LINE) throw new KapalError('usage', 'a ref that is pushed has too long a name');
    for (const line of lines) if (line !== '') yield line;
  }
  if (rest !== '') yield rest;
}

function parseHead(line: string): Pick<Said, 'options' | 'quarantine'> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null) throw new KapalError('usage', 'the hook of the push said no JSON');
  const { options, quarantine } = value as Readonly<Record<string, unknown>>;
  const texts = Array.isArray(options) ? options.filter((option) => typeof option === 'string') : [];
  return { options: texts, quarantine: typeof quarantine === 'string' ? quarantine : null };
}
