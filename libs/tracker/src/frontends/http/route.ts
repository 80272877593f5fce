import { readAnnouncePath } from '../announce-path.ts';

/** What a request target names. */
export interface Route {
  readonly type: 'announce' | 'scrape' | 'health' | 'unknown';
  /** The announce key that stands before it in the path; empty for none. */
  readonly key: string;
  /** Where the query begins; at the end where there is none. */
  readonly query: number;
}

const SLASH = 0x2f;
const QUESTION_MARK = 0x3f;
const ANNOUNCE = Buffer.from('/announce');
/** Bytes of a path that means anything here, and of an absolute target's beginning. */
const MAX_PATH = 512;

/** Reads a request target, `/announce?…` or `http://host/announce?…`, from `start` to `end`. */
export function readRoute(bytes: Buffer, start: number, end: number): Route {
  let path = start;
  if (bytes[path] !== SLASH) {
    const begin = bytes.toString('latin1', start, Math.min(end, start + MAX_PATH));
    path += /^https?:\/\/[^/?#]*/i.exec(begin)?.[0].length ?? 0;
  }
  let mark = path;
  while (mark < end && bytes[mark] !== QUESTION_MARK) mark++;
  const query = Math.min(mark + 1, end);
  if (isAnnounce(bytes, path, mark)) return { type: 'announce', key: '', query };
  if (mark - path > MAX_PATH) return { type: 'unknown', key: '', query };
  const text = bytes.toString('latin1', path, mark);
  if (text === '/healthz') return { type: 'health', key: '', query };
  const { type, key } = readAnnouncePath(text) ?? { type: 'unknown', key: '' };
  return { type, key, query };
}

function isAnnounce(bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== ANNOUNCE.length) return false;
  for (let i = 0; i < ANNOUNCE.length; i++) if (bytes[start + i] !== ANNOUNCE[i]) return false;
  return true;
}
