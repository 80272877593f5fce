import type { tracker } from '@pixtorrent/contracts';
import type { TrackerError } from '@pixtorrent/tracker-protocol';
import type { SessionTarget } from './session-target.ts';

/** PEM. */
export interface TrackerCertificates {
  /** Authorities that certify trackers. @default those that the runtime trusts */
  readonly ca?: string;
  /** By what this client shows who it is, to trackers that want to know. */
  readonly key?: string;
  readonly certificate?: string;
}

/** Where they come from; they may change at any time. */
export interface TrackerIdentity {
  certificates(): TrackerCertificates;
}

/** Opens a stream for messages at once; whether the tracker is there shows later. */
export type OpenStream = (target: SessionTarget, receiver: StreamReceiver) => SessionStream;

export interface StreamReceiver {
  message(message: tracker.SessionResponse): void;
  /** Called once, whoever ended it. */
  ended(error: TrackerError): void;
}

/** Both directions of a session with a tracker. */
export interface SessionStream {
  /** Messages that were not taken by the network yet. */
  readonly unsent: number;
  /** @returns a promise that is fulfilled when the network has taken it; maybe never where the stream ends before */
  send(message: tracker.SessionRequest): Promise<void>;
  /** Nothing is received until `resume`, apart from what is on its way. */
  pause(): void;
  resume(): void;
  /** Ends it after what was sent. @returns a promise that is fulfilled when the tracker has ended its side too */
  end(): Promise<void>;
  /** Ends it now. */
  destroy(): void;
}
