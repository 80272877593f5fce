/** How much is followed; what goes beyond is refused or left out. */
export interface HealthLimits {
  /** @default 10,000 */
  readonly maxNodes?: number;
  /** Torrents beyond are left out of their nodes' reports. @default 1,000 */
  readonly maxSwarms?: number;
  /** Bytes of memory for all swarms, about; likewise. @default 256 MiB */
  readonly maxBytes?: number;
  /** Milliseconds of silence after which a node's rates are no longer taken for those of now. @default 15,000 */
  readonly staleAfter?: number;
  /** Milliseconds of silence after which a node is gone, and what it has with it. @default 60,000 */
  readonly goneAfter?: number;
  /** Milliseconds without data, where some is wanted, after which a node is stalled. @default 10,000 */
  readonly stalledAfter?: number;
  /** Reports a second that a node sends at the most, ten times that in a burst. @default 10 */
  readonly maxReportRate?: number;
}

export function withDefaults(limits: HealthLimits): Required<HealthLimits> {
  return {
    maxNodes: limits.maxNodes ?? 10_000,
    maxSwarms: limits.maxSwarms ?? 1000,
    maxBytes: limits.maxBytes ?? 256 * 2 ** 20,
    staleAfter: limits.staleAfter ?? 15_000,
    goneAfter: limits.goneAfter ?? 60_000,
    stalledAfter: limits.stalledAfter ?? 10_000,
    maxReportRate: limits.maxReportRate ?? 10,
  };
}
