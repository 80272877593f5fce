/** How much a catalogue holds; what goes beyond is refused. */
export interface CatalogLimits {
  /** @default 100,000 */
  readonly maxNames?: number;
  /**
   * Versions of one name.
   * @default 100
   */
  readonly maxVersions?: number;
  /**
   * Bytes of all torrent files together.
   * @default 1 GiB
   */
  readonly maxTorrentBytes?: number;
  /**
   * Versions that were removed and are remembered, so that nobody brings them back; the first are forgotten first. As
   * many names without a version keep their last number: when there are more, new names begin above the numbers of those
   * that were forgotten.
   * @default 100,000
   */
  readonly maxRemoved?: number;
}

export function withDefaults(limits: CatalogLimits): Required<CatalogLimits> {
  return {
    maxNames: limits.maxNames ?? 100_000,
    maxVersions: limits.maxVersions ?? 100,
    maxTorrentBytes: limits.maxTorrentBytes ?? 2 ** 30,
    maxRemoved: limits.maxRemoved ?? 100_000,
  };
}
