import type { InfoHash } from '@pixtorrent/core';
import type { AnnounceAnswer, AnnounceRequest, ScrapeEntry } from '@pixtorrent/tracker-protocol';

/** What a frontend knows of an asker beside its request. */
export interface Asking {
  /** Where the request came from, or what else the frontend trusts: 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Whether the answer has room for peers of both families. */
  readonly families: 'own' | 'both';
  /** Whether the answer has room for peer IDs. */
  readonly ids: boolean;
}

/** What every frontend asks of the tracker behind it. */
export interface TrackerLogic {
  /** @throws PeerStoreError */
  announce(request: AnnounceRequest, asking: Asking): Promise<AnnounceAnswer>;
  /** One entry for each of `infoHashes`, undefined for what is not known. @throws PeerStoreError */
  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]>;
}
