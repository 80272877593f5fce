import type { Timers } from '@pixtorrent/core';
import type { Hasher, PieceCache, Slab, TcpTransport } from '@pixtorrent/node-io';
import type { ClientCounters } from './figures/client-counters.ts';
import type { Announce } from './trackers/announce.ts';

/** What all the torrents of a client share. */
export interface ClientResources {
  readonly transport: TcpTransport;
  readonly timers: Timers;
  readonly slab: Slab;
  readonly cache: PieceCache;
  readonly hasher: Hasher;
  /** The port on which all torrents are reached. */
  readonly port: number;
  readonly announce: Announce;
  readonly counters: ClientCounters;
  readonly clientName: string;
  /** A fresh seed for a generator of random numbers, from the system. */
  seed(): number;
}
