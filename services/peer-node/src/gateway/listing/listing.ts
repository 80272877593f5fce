import { entryKey, type KnownEntry } from '../../content/entry-record.ts';
import type { TreeFolder } from '../content-tree.ts';

/** One line of a listing. */
export interface ListedItem {
  readonly name: string;
  readonly type: 'content' | 'folder' | 'file';
  /** Bytes; of a folder nobody says. */
  readonly size?: number;
  readonly version?: number;
  /** Milliseconds since 1970. */
  readonly published?: number;
}

export interface Listing {
  readonly title: string;
  readonly items: readonly ListedItem[];
  /** Where the list goes on, relative to where it is. */
  readonly next?: string;
}

/** Lines of one answer. */
const MOST = 10_000;

/** What is in a folder of a content. */
export function folderListing(
  entry: KnownEntry,
  path: readonly string[],
  folder: TreeFolder,
  after: string,
): Listing {
  const items = [...folder.children].map(
    ([name, node]): ListedItem =>
      node.type === 'file' ? { name, type: 'file', size: node.entry.length } : { name, type: 'folder' },
  );
  return page([entryKey(entry), ...path].join('/'), items, after);
}

/** The names that begin with a prefix, without it. */
export function namesListing(
  newest: ReadonlyMap<string, KnownEntry>,
  prefix: string,
  after: string,
): Listing {
  const items: ListedItem[] = [];
  for (const { name, version, size, published } of newest.values()) {
    if (name.startsWith(prefix))
      items.push({ name: name.slice(prefix.length), type: 'content', version, size, published });
  }
  return page(prefix, items, after);
}

function page(title: string, items: ListedItem[], after: string): Listing {
  const rest = items
    .filter(({ name }) => name > after)
    .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const shown = rest.slice(0, MOST);
  const last = shown.at(-1);
  return {
    title,
    items: shown,
    ...(rest.length > MOST && last && { next: `?after=${encodeURIComponent(last.name)}` }),
  };
}
