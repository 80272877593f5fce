import { TokenBucket } from '@pixtorrent/engine';
import { systemClock } from '@pixtorrent/node-io';

/** Bytes a second; 0 or infinite for no limit. */
export interface Limits {
  readonly uploadRate: number;
  readonly downloadRate: number;
}

/** Limits that can be changed while they are in force. */
export class RateLimits {
  readonly upload: TokenBucket;
  readonly download: TokenBucket;

  /** @throws RangeError for a rate below 0 */
  constructor({ uploadRate = 0, downloadRate = 0 }: Partial<Limits>) {
    const now = systemClock.now();
    this.upload = new TokenBucket(bucketRate(uploadRate), now);
    this.download = new TokenBucket(bucketRate(downloadRate), now);
  }

  /** What is in force, 0 for no limit. */
  get current(): Limits {
    return { uploadRate: shownRate(this.upload), downloadRate: shownRate(this.download) };
  }

  /** What is left out stays as it is. @throws RangeError for a rate below 0: then nothing is changed */
  set({ uploadRate, downloadRate }: Partial<Limits>): void {
    const upload = bucketRate(uploadRate ?? shownRate(this.upload));
    const download = bucketRate(downloadRate ?? shownRate(this.download));
    const now = systemClock.now();
    this.upload.setRate(upload, now);
    this.download.setRate(download, now);
  }
}

function bucketRate(rate: number): number {
  if (!(rate >= 0)) throw new RangeError(`a limit of ${rate} bytes a second`);
  return rate === 0 ? Number.POSITIVE_INFINITY : rate;
}

function shownRate({ rate }: TokenBucket): number {
  return rate === Number.POSITIVE_INFINITY ? 0 : rate;
}
