const MINUTE = 60_000;

/** From when on something is worth a warning: the same as in `deploy/prometheus/alerts.yaml`. Milliseconds. */
export const THRESHOLDS = {
  /** Nothing came to nodes that want something. */
  stalledFor: 2 * MINUTE,
  lostFor: 2 * MINUTE,
  atRiskFor: 5 * MINUTE,
  noSeederFor: 5 * MINUTE,
  /** The slowest node over the median. */
  stragglerRatio: 3,
  stragglerFor: 2 * MINUTE,
  /** Copies of the content that first seeders sent, within half an hour. */
  amplification: 3,
  amplificationMinutes: 30,
  /** Within ten minutes: so many pieces are worth one, and more bans than these. */
  failedPieces: 3,
  bans: 5,
  troubleMinutes: 10,
} as const;
