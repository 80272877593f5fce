import type { CachedCatalog } from '@pixtorrent/catalog';
import type { Metrics } from '@pixtorrent/service-kit';
import type { CatalogService } from './catalog-service.ts';

/** What the catalogue holds, as this replica knows it, and who is told of it. */
export function addCatalogMetrics(metrics: Metrics, catalog: CachedCatalog, service: CatalogService): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name: `catalog_${name}`, help, collect: (own) => own.set(read()) });
  };
  gauge('versions', 'Versions of all names in the catalogue', () => catalog.size);
  gauge('stale', 'Whether the store of the catalogue cannot be read: 1, and what is told may be old', () =>
    catalog.stale ? 1 : 0,
  );
  gauge('incomplete', 'Whether the catalogue is larger than what is kept of it here: 1', () =>
    catalog.complete ? 0 : 1,
  );
  gauge('watchers', 'Calls of Watch', () => service.figures.watchers);
  gauge('queued_changes', 'Changes that wait to be sent, for all watchers', () => service.figures.queued);
  gauge('reading', 'Large torrents that wait or are read', () => service.figures.reading);
  metrics.counter({
    name: 'catalog_watchers_slow_total',
    help: 'Calls of Watch that were ended because their clients did not keep up',
    read: () => [{ labels: {}, count: service.figures.slow }],
  });
}
