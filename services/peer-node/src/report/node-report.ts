import type { Client, DistributionFigures } from '@pixtorrent/client';
import type { metrics as wire } from '@pixtorrent/contracts';
import { type InfoHash, toHex } from '@pixtorrent/core';
import { sessionOf } from '../torrents/kept-torrent.ts';
import type { Torrents } from '../torrents/torrents.ts';
import type { Announcements } from './announcements.ts';
import { RecentLatency } from './recent-latency.ts';
import { ReportedTorrent } from './reported-torrent.ts';

/** What a node is, for what is reported of it. */
export interface ReportedNode {
  readonly client: Pick<Client, 'figures'>;
  readonly torrents: Pick<Torrents, 'all' | 'get' | 'on' | 'off'>;
  /** By NAME@VERSION. */
  readonly catalogue: {
    readonly entries: ReadonlyMap<string, { readonly infoHash: Uint8Array }>;
  };
  /** By name. */
  readonly cluster: { readonly nodes: ReadonlyMap<string, { readonly peerAddress: string }> };
}

/** What goes into one message. */
export type ReportBody = Pick<wire.ReportRequest, 'torrents' | 'gone' | 'counters'>;

/** Of one message: bytes of snapshots, about, and torrents. */
const MOST_BYTES = 4 * 2 ** 20;
const MOST_TORRENTS = 1000;

/** What there is to report of a node: kept up to date by `look`, and told by `reports`. */
export class NodeReport {
  readonly #node: ReportedNode;
  readonly #announcements: Announcements;
  /** By the hexadecimal info hash: torrents with a session. */
  readonly #torrents = new Map<string, ReportedTorrent>();
  /** Those of which a snapshot is due, and those that were told of. */
  readonly #due = new Set<string>();
  readonly #told = new Set<string>();
  readonly #discovery = new RecentLatency();
  readonly #message = new RecentLatency();
  readonly #begun: () => void;
  readonly #changed = (infoHash: InfoHash): void => {
    if (this.#follow(infoHash)) this.#begun();
  };
  #counters: wire.NodeCounters | undefined;

  /** @param begun called when there is a torrent that was not there before */
  constructor(node: ReportedNode, announcements: Announcements, begun: () => void) {
    this.#node = node;
    this.#announcements = announcements;
    this.#begun = begun;
    for (const { metainfo } of node.torrents.all()) this.#follow(metainfo.infoHash);
    node.torrents.on('changed', this.#changed);
  }

  close(): void {
    this.#node.torrents.off('changed', this.#changed);
    for (const torrent of this.#torrents.values()) torrent.close();
    this.#torrents.clear();
  }

  /** The service knows nothing of the torrents that it names. */
  forget(infoHashes: readonly Uint8Array[]): void {
    for (const infoHash of infoHashes) this.#due.add(toHex(infoHash));
  }

  /** The service knows nothing. */
  forgetAll(): void {
    this.#told.clear();
    for (const key of this.#torrents.keys()) this.#due.add(key);
  }

  /** Takes down how things are. @param now milliseconds */
  look(now: number): void {
    for (const torrent of this.#torrents.values()) torrent.look(now);
    const { bans, firstPeer, namedPeer, message } = this.#node.client.figures();
    this.#counters = {
      bans: bans as Record<string, number>,
      discoveryMs: this.#discovery.look(sum(firstPeer, namedPeer), now),
      messageMs: this.#message.look(message, now),
    };
  }

  /** All that is to be told now, in one message or several. What is taken from it counts as told. */
  *reports(): Generator<ReportBody> {
    const names = new Map<string, string>();
    for (const [name, { infoHash }] of this.#node.catalogue.entries) names.set(toHex(infoHash), name);
    const nodes = new Map<string, string>();
    for (const [name, { peerAddress }] of this.#node.cluster.nodes) nodes.set(peerAddress, name);
    const nameOf = (endpoint: string): string => nodes.get(endpoint) ?? endpoint;
    let torrents: wire.TorrentReport[] = [];
    let bytes = 0;
    for (const kept of this.#node.torrents.all()) {
      const key = toHex(kept.metainfo.infoHash);
      const torrent = this.#torrents.get(key);
      if (torrent === undefined) continue;
      const report = torrent.report(kept, {
        name: names.get(key) ?? '',
        snapshot: this.#due.delete(key),
        nameOf,
        announced: this.#announcements.has(torrent.session),
      });
      this.#told.add(key);
      torrents.push(report);
      bytes += kept.metainfo.pieceCount / 8;
      if (bytes < MOST_BYTES && torrents.length < MOST_TORRENTS) continue;
      yield { torrents, gone: [], counters: undefined };
      torrents = [];
      bytes = 0;
    }
    yield { torrents, gone: this.#gone(), counters: this.#counters };
  }

  /** That nothing is here any more: the node is about to end. */
  farewell(): ReportBody {
    this.close();
    return { torrents: [], gone: this.#gone(), counters: undefined };
  }

  #gone(): Buffer[] {
    const gone = [...this.#told].filter((key) => !this.#torrents.has(key)).slice(0, MOST_TORRENTS);
    for (const key of gone) this.#told.delete(key);
    return gone.map((key) => Buffer.from(key, 'hex'));
  }

  /** From the moment at which it has a session, and as long: peers may come and go at once. @returns whether it is a new one */
  #follow(infoHash: InfoHash): boolean {
    const kept = this.#node.torrents.get(infoHash);
    const session = kept && sessionOf(kept);
    const key = toHex(infoHash);
    const known = this.#torrents.get(key);
    if (known?.session === session) return false;
    known?.close();
    if (session === undefined) {
      this.#torrents.delete(key);
      this.#due.delete(key);
      return false;
    }
    this.#torrents.set(key, new ReportedTorrent(session));
    this.#due.add(key);
    return true;
  }
}

/** Of distributions with the same bounds. */
function sum(a: DistributionFigures, b: DistributionFigures): DistributionFigures {
  return {
    bounds: a.bounds,
    counts: a.counts.map((count, bucket) => count + b.counts[bucket]!),
    sum: a.sum + b.sum,
  };
}
