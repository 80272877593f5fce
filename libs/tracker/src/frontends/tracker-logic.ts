import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceAnswer, AnnounceRequest, ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { Heard } from '../stores/peer-store.ts';

/** What a frontend knows of an asker beside its request. */
export interface Asking {
  readonly frontend: 'http' | 'udp' | 'grpc';
  /** Where the peer is: the request's origin, or what the frontend trusts instead. 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Whether the answer has room for peers of both families. */
  readonly families: 'own' | 'both';
  /** Whether the answer has room for peer IDs and traits. */
  readonly details: boolean;
  /** The announce key that came with it. */
  readonly announceKey?: string;
  /** Where the peer runs, and what it speaks, where the frontend has a way to say so. */
  readonly zone?: string;
  readonly node?: string;
  readonly pixwire?: boolean;
  /** As in `PeerAnnounce`. */
  readonly stalledWith?: ReadonlySet<string> | undefined;
}

export interface TrackerAnswer extends AnnounceAnswer {
  /** When the store has heard of the peer by this, as in `PeerSelection`. */
  readonly heard?: Heard;
}

/** What every frontend asks of the tracker behind it. */
export interface TrackerLogic {
  /**
   * The answer itself where nothing has to be waited for: a promise costs as much as much of the way.
   * @throws RefusedError, PeerStoreError
   */
  announce(request: AnnounceRequest, asking: Asking): TrackerAnswer | Promise<TrackerAnswer>;
  /**
   * One entry for each of `infoHashes`, undefined for what is not known or not served. @throws RefusedError,
   * PeerStoreError
   */
  scrape(
    infoHashes: readonly InfoHash[],
    asking: Pick<Asking, 'frontend' | 'address' | 'announceKey'>,
  ): Promise<(ScrapeEntry | undefined)[]>;
}
