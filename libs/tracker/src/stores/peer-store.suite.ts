import { describe } from 'vitest';
import type { PeerStore } from './peer-store.ts';
import { announceOf, HASH, storedOf } from './suite/announces.ts';
import { changesSuite } from './suite/changes.suite.ts';
import { figuresSuite } from './suite/figures.suite.ts';
import { handOutSuite } from './suite/hand-out.suite.ts';
import { membersSuite } from './suite/members.suite.ts';
import { restoreSuite } from './suite/restore.suite.ts';

/** For what only some stores do. */
export { announceOf, HASH, storedOf };

/** A store under test, and the time that it lives in. */
export interface PeerStoreUnderTest {
  /** Empty; closed by the test. */
  readonly store: PeerStore;
  /** Milliseconds since 1970, as the store tells them; whole, and standing still but for `advance`. */
  now(): number;
  /** Lets milliseconds pass for the store, which does meanwhile what it does by itself. */
  advance(milliseconds: number): void | Promise<void>;
}

export interface PeerStoreSuiteOptions {
  readonly make: (options: {
    readonly timeToLive: number;
  }) => PeerStoreUnderTest | Promise<PeerStoreUnderTest>;
  /** How often what holds for any sequence of announces is tried. */
  readonly runs: number;
  /** As shared stores do: what is restored counts for nothing where the peer has left since. @default false */
  readonly recallsDepartures?: boolean;
}

/** What every store does; each implementation runs it. */
export function peerStoreSuite(name: string, options: PeerStoreSuiteOptions): void {
  describe(`${name} as a peer store`, () => {
    membersSuite(options);
    handOutSuite(options);
    figuresSuite(options);
    changesSuite(options);
    restoreSuite(options);
  });
}
