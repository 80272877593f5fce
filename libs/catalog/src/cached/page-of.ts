import type { CatalogEntry, CatalogQuery } from '../catalog-store.ts';
import { hasLabels } from '../draft/labels.ts';
import { orderKey } from '../entry-order.ts';
import { pageLimit } from '../stores/page-limit.ts';

/** Greater than every version. */
const LAST = 2 ** 32;

/** What a store that has these would list. @param sorted every version, by their order keys */
export function pageOf(sorted: readonly CatalogEntry[], query: CatalogQuery): CatalogEntry[] {
  const { labels = {}, allVersions = false, after } = query;
  const limit = pageLimit(query);
  const first =
    after === undefined
      ? 0
      : indexAfter(sorted, orderKey({ ...after, version: allVersions ? after.version : LAST }));
  const found: CatalogEntry[] = [];
  for (let i = first; i < sorted.length && found.length < limit; i++) {
    const entry = sorted[i]!;
    const isNewest = sorted[i + 1]?.name !== entry.name;
    if ((allVersions || isNewest) && hasLabels(entry.labels, labels)) found.push(entry);
  }
  return found;
}

function indexAfter(sorted: readonly CatalogEntry[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (orderKey(sorted[middle]!) <= key) low = middle + 1;
    else high = middle;
  }
  return low;
}
