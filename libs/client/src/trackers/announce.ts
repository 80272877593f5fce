import type { AnnounceRequest, AnnounceResponse, TrackerPeer } from '@pixtorrent/tracker-protocol';

/** Asks one tracker; `announce` of node-io is one, `Trackers` another. Rejects with a `TrackerError`. */
export type Announce = (
  url: string,
  request: AnnounceRequest,
  options: AnnounceOptions,
) => Promise<TrackerAnswer>;

/** How an announce is made; only a tracker that keeps sessions looks at more than the first two. */
export interface AnnounceOptions {
  readonly signal: AbortSignal;
  /** Milliseconds until the answer. */
  readonly timeoutMs: number;
  /** This peer speaks PixWire. */
  readonly pixwire: boolean;
  /** The peers that are connected give nothing: others are wanted. */
  readonly stalled: boolean;
  readonly listener: SessionListener;
}

/** What a tracker tells unasked as long as its session lasts. */
export interface SessionListener {
  /** Peers that have come; maybe some of those known. */
  joined(peers: readonly TrackerPeer[]): void;
  /**
   * The session is over. Not called where an announce was waiting for its answer: that is rejected.
   * @param afterMs milliseconds that the tracker wants to be left alone
   */
  ended(afterMs: number): void;
}

export interface TrackerAnswer extends AnnounceResponse {
  /** There where the tracker goes on to tell of peers. */
  readonly session?: SessionHandle;
}

export interface SessionHandle {
  readonly alive: boolean;
}

/** Whether a tracker keeps sessions: `grpc`, or `grpcs` over TLS. */
export function keepsSessions(url: string): boolean {
  return /^grpcs?:/i.test(url);
}
