import type { peer as wire } from '@pixtorrent/contracts';
import { Bitfield, type Endpoint, type InfoHash, sameBytes, toHex } from '@pixtorrent/core';
import { encodeTorrent, type Magnet, type Metainfo } from '@pixtorrent/metainfo';
import { StatusError } from '@pixtorrent/service-kit';
import type { PeerNode } from '../node/peer-node.ts';
import { byTorrent, Wanted } from '../replication/wanted.ts';
import { type KeptTorrent, sessionOf } from '../torrents/kept-torrent.ts';
import { TorrentsError } from '../torrents/torrents.ts';
import { peerMessage } from './peer-messages.ts';
import { hashOf, limitsOf, pageOf, peersOf, sourceOf } from './peer-requests.ts';
import type { TorrentViews } from './torrent-views.ts';

/** Milliseconds for peers to tell what a magnet link stands for: less than a caller waits. */
const METADATA_TIMEOUT = 25_000;
/** Magnet links that are looked up at the same time. */
const MOST_MAGNETS = 8;

/** What is asked of single torrents, and of the node's limits. */
export class TorrentCalls {
  readonly #node: PeerNode;
  readonly #views: TorrentViews;
  #magnets = 0;

  constructor(node: PeerNode, views: TorrentViews) {
    this.#node = node;
    this.#views = views;
  }

  async add(request: wire.AddTorrentRequest, cancelled: AbortSignal): Promise<wire.AddTorrentResponse> {
    const peers = peersOf(request.peers);
    const source = sourceOf(request);
    this.#refuseDraining();
    this.#refuseKnown('metainfo' in source ? source.metainfo.infoHash : source.infoHash);
    const found = 'metainfo' in source ? source : await this.#lookUp(source, peers, cancelled);
    const { metainfo, torrent } = found;
    if (!(await this.#node.replicator.makeRoom(metainfo.length))) {
      this.#refuseDraining();
      throw new StatusError(
        'RESOURCE_EXHAUSTED',
        `the disk budget of this node has no room for ${metainfo.length} bytes`,
      );
    }
    const kept = await this.#node.torrents.add(torrent, metainfo, { pinned: true });
    this.#introduce(metainfo.infoHash, peers);
    return { torrent: this.#views.of(kept) };
  }

  async remove({ infoHash, deleteData }: wire.RemoveTorrentRequest): Promise<wire.RemoveTorrentResponse> {
    const { catalogue, cluster, torrents } = this.#node;
    const { metainfo } = this.#kept(infoHash);
    const entries = byTorrent(catalogue.entries.values()).get(toHex(metainfo.infoHash)) ?? [];
    if (entries.length > 0) {
      const self = this.#node.describe();
      const wanted = new Wanted(self.name, new Map(cluster.nodes).set(self.name, self));
      if (entries.some((entry) => wanted.here(entry)))
        throw new StatusError('FAILED_PRECONDITION', 'the catalogue wants it here: remove it there');
      if (!wanted.safeElsewhere(metainfo.infoHash, entries))
        throw new StatusError(
          'FAILED_PRECONDITION',
          'it is in the catalogue, and no other node has all of it',
        );
    }
    await torrents.remove(metainfo.infoHash, !deleteData);
    return {};
  }

  list(request: wire.ListTorrentsRequest): wire.ListTorrentsResponse {
    const { limit, after } = pageOf(request);
    const hashes: string[] = [];
    for (const { metainfo } of this.#node.torrents.all()) {
      const hash = toHex(metainfo.infoHash);
      if (hash > after) hashes.push(hash);
    }
    const page = hashes.sort().slice(0, limit);
    return {
      torrents: page.map((hash) => this.#views.of(this.#kept(Buffer.from(hash, 'hex')))),
      nextPageToken: hashes.length > limit ? page.at(-1)! : '',
    };
  }

  get({ infoHash, pieces }: wire.GetTorrentRequest): wire.GetTorrentResponse {
    const kept = this.#kept(infoHash);
    const field = pieces
      ? (sessionOf(kept)?.bitfield() ?? new Bitfield(kept.metainfo.pieceCount)).bytes
      : new Uint8Array();
    return { torrent: this.#views.of(kept), pieces: Buffer.from(field) };
  }

  peers({ infoHash }: wire.ListPeersRequest): wire.ListPeersResponse {
    return { peers: sessionOf(this.#kept(infoHash))?.peers().map(peerMessage) ?? [] };
  }

  setLimits(request: wire.SetLimitsRequest): wire.SetLimitsResponse {
    const limits = limitsOf(request);
    if (request.infoHash.length === 0) {
      this.#node.client.setLimits(limits);
      return { limits: this.#node.client.limits };
    }
    const session = sessionOf(this.#kept(request.infoHash));
    if (session === undefined)
      throw new StatusError('UNAVAILABLE', 'it does not run now: try again later', { retryAfter: 1000 });
    session.setLimits(limits);
    return { limits: session.limits };
  }

  async #lookUp(
    magnet: Magnet,
    peers: readonly Endpoint[],
    signal: AbortSignal,
  ): Promise<{ readonly torrent: Uint8Array; readonly metainfo: Metainfo }> {
    if (this.#magnets >= MOST_MAGNETS)
      throw new StatusError(
        'UNAVAILABLE',
        `${this.#magnets} magnet links are being looked up: try again later`,
        {
          retryAfter: METADATA_TIMEOUT,
        },
      );
    this.#magnets++;
    try {
      const trackers = [...new Set([...magnet.trackers, ...this.#node.trackers])];
      const metainfo = await this.#node.client.fetchMetadata(
        { ...magnet, trackers },
        { peers, signal, timeout: METADATA_TIMEOUT },
      );
      const named = { ...metainfo, trackers: magnet.trackers.map((url) => [url]) };
      return { torrent: encodeTorrent(named), metainfo: named };
    } finally {
      this.#magnets--;
    }
  }

  /** Tells its session, when it has one, of peers that were named. */
  #introduce(infoHash: InfoHash, peers: readonly Endpoint[]): void {
    if (peers.length === 0) return;
    const { torrents } = this.#node;
    const look = (changed: InfoHash): void => {
      if (!sameBytes(changed, infoHash)) return;
      const kept = torrents.get(infoHash);
      if (kept?.condition.type === 'checking') return;
      torrents.off('changed', look);
      if (kept !== undefined) sessionOf(kept)?.addPeers(peers);
    };
    torrents.on('changed', look);
    look(infoHash);
  }

  #kept(bytes: Buffer): KeptTorrent {
    const kept = this.#node.torrents.get(hashOf(bytes));
    if (kept === undefined) throw new TorrentsError('unknown', 'there is no such torrent here');
    return kept;
  }

  #refuseKnown(infoHash: InfoHash): void {
    if (this.#node.torrents.get(infoHash) !== undefined)
      throw new TorrentsError('known', 'it is here already');
  }

  #refuseDraining(): void {
    if (this.#node.draining)
      throw new StatusError('FAILED_PRECONDITION', 'this node drains, and takes nothing');
  }
}
