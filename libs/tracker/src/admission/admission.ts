import type { InfoHash } from '@pixtorrent/core';
import type { Asking } from '../frontends/tracker-logic.ts';

export type AdmissionOptions = Record<string, never>;

/** Who may announce what, and how often. */
export class Admission {
  /** @throws RefusedError */
  admit(_infoHash: InfoHash, _asking: Pick<Asking, 'frontend' | 'address' | 'announceKey'>): void {}
}
