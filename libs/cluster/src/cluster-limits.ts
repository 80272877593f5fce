/** How much a cluster holds; what goes beyond is refused. */
export interface ClusterLimits {
  /** @default 10,000 */
  readonly maxNodes?: number;
  /**
   * Holdings of all nodes together; each takes 60 bytes of memory, and 80 in Redis.
   * @default 1,000,000
   */
  readonly maxHoldings?: number;
}

export function withDefaults(limits: ClusterLimits): Required<ClusterLimits> {
  return {
    maxNodes: limits.maxNodes ?? 10_000,
    maxHoldings: limits.maxHoldings ?? 1_000_000,
  };
}
