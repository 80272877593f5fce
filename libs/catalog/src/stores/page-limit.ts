import type { CatalogQuery } from '../catalog-store.ts';

const MAX_PAGE = 1000;

/** How many entries a query is answered by at the most. @throws RangeError below 1 */
export function pageLimit({ limit }: CatalogQuery): number {
  if (!(limit >= 1)) throw new RangeError(`a page of ${limit} entries`);
  return Math.min(MAX_PAGE, Math.floor(limit));
}
