import type { Host } from '../namespaces.ts';
import type { Process } from '../processes.ts';
import type { Scope } from '../scope.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Job {
  /** The .torrent file. */
  readonly torrent: string;
  /** Where the content is, or goes: the folder that holds the torrent's own file or folder. */
  readonly folder: string;
  /** The namespace to run in. @default the test's own */
  readonly host?: Host | undefined;
  readonly port: number;
  /** Peers to dial beside those that the tracker names. @default none */
  readonly peers?: readonly Endpoint[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A client at work on one torrent. */
export interface Running {
  readonly process: Process;
  /** Resolves when everything is there and verified. @throws Error with the log after the deadline */
  complete(seconds: number): Promise<void>;
}

/** One kind of BitTorrent client, driven from outside. */
export interface Client {
  readonly name: string;
  /** Whether it can be told a peer's address, without a tracker. */
  readonly takesPeers: boolean;
  /** Whether it makes the files that have no bytes. */
  readonly makesEmptyFiles: boolean;
  /** Resolves when the content was verified and the port listens. */
  seed(scope: Scope, job: Job): Promise<Running>;
  /** Begins to download; it seeds on when it is complete. */
  get(scope: Scope, job: Job): Promise<Running>;
}

/** How long a client may take to start, and to verify what it seeds. */
export const START_SECONDS = 60;

export function addressOf(job: Job): string {
  return job.host?.address ?? '127.0.0.1';
}
