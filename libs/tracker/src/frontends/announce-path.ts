/** The path of an announce or a scrape; the announce key may stand before it. */
const PATH = /^(?:\/([A-Za-z0-9_-]{1,64}))?\/(announce|scrape)$/;

export interface AnnouncePath {
  readonly type: 'announce' | 'scrape';
  /** Empty for none. */
  readonly key: string;
}

/** Reads a path; undefined for one that is neither. */
export function readAnnouncePath(path: string): AnnouncePath | undefined {
  const [, key = '', type] = PATH.exec(path) ?? [];
  return type === undefined ? undefined : { type: type as AnnouncePath['type'], key };
}

/** The announce key in path and query of a tracker's URL; empty for none. */
export function keyInUrl(url: string): string {
  const mark = url.indexOf('?');
  return readAnnouncePath(mark < 0 ? url : url.slice(0, mark))?.key ?? '';
}
