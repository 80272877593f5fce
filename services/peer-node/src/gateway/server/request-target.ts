/** What a request names. */
export interface RequestTarget {
  /** As it was written, without the query. */
  readonly path: string;
  /** The parts between the slashes, decoded; none is empty, `.` or `..`, and none has a slash or a control character. */
  readonly segments: readonly string[];
  /** Whether the path ends in a slash. */
  readonly folder: boolean;
  /** With its `?`; empty where there is none. */
  readonly query: string;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this finds
const UNSAFE = /[/\u0000-\u001f\u007f]/;

/** @returns undefined for what names nothing that a server could have: `..`, empty parts, what cannot be decoded */
export function parseTarget(url: string): RequestTarget | undefined {
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? '';
  const [path, ...query] = url.slice(origin.length).split('?') as [string, ...string[]];
  if (!path.startsWith('/')) return undefined;
  const parts = path.slice(1).split('/');
  const folder = parts.at(-1) === '';
  if (folder) parts.pop();
  const segments: string[] = [];
  for (const part of parts) {
    const segment = decoded(part);
    if (segment === undefined || segment === '' || segment === '.' || segment === '..') return undefined;
    if (UNSAFE.test(segment)) return undefined;
    segments.push(segment);
  }
  return { path, segments, folder, query: query.length === 0 ? '' : `?${query.join('?')}` };
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
