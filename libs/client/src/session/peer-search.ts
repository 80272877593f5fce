import {
  type Endpoint,
  isPixTorrent,
  type Logger,
  type PeerId,
  SeededRandom,
  type Timer,
} from '@pixtorrent/core';
import type { Torrent } from '@pixtorrent/engine';
import type { Metainfo } from '@pixtorrent/metainfo';
import { systemClock } from '@pixtorrent/node-io';
import type { WireName } from '@pixtorrent/peer-protocol';
import type { TrackerPeer } from '@pixtorrent/tracker-protocol';
import type { ClientResources } from '../resources.ts';
import { TrackerAnnouncer } from '../trackers/tracker-announcer.ts';
import type { TransferFigures } from '../trackers/tracker-announcer-options.ts';
import type { TrackerStatus } from '../trackers/tracker-status.ts';
import type { SessionOptions } from './session-options.ts';
import { StallWatch } from './stall-watch.ts';

/** How often a torrent without enough peers asks its tracker for more, milliseconds. */
const NEED_PEERS_PERIOD = 5000;
/** Peers below which it asks. */
const ENOUGH_PEERS = 8;

interface SearchParts {
  readonly metainfo: Metainfo;
  readonly peerId: PeerId;
  readonly torrent: Torrent;
  readonly resources: ClientResources;
  readonly logger: Logger;
  readonly figures: () => TransferFigures;
  readonly onStatus: (tracker: string, status: TrackerStatus) => void;
}

/** Finds peers for a torrent: those known beforehand, and those that its trackers name. */
export class PeerSearch {
  readonly #parts: SearchParts;
  readonly #options: SessionOptions;
  readonly #announcer: TrackerAnnouncer;
  readonly #stalls = new StallWatch(systemClock);
  #timer: Timer | undefined;
  #naming: number | undefined;

  constructor(parts: SearchParts, options: SessionOptions) {
    this.#parts = parts;
    this.#options = options;
    const { resources, logger, metainfo, peerId } = parts;
    const extra = (options.trackers ?? []).map((url) => [url]);
    this.#announcer = new TrackerAnnouncer(
      {
        announce: resources.announce,
        clock: systemClock,
        timers: resources.timers,
        random: new SeededRandom(resources.seed()),
        logger,
        figures: parts.figures,
        onPeers: (peers) => this.#named(peers),
        onStatus: parts.onStatus,
      },
      {
        tiers: [...metainfo.trackers, ...extra],
        infoHash: metainfo.infoHash,
        peerId,
        port: resources.port,
        pixwire: options.wires?.includes('pixwire') ?? true,
      },
    );
  }

  start(): void {
    const { torrent, resources } = this.#parts;
    torrent.discovered(this.#options.peers ?? []);
    // After the dials: to begin with a tracker takes milliseconds of the processor.
    this.#timer = resources.timers.after(0, () => {
      this.#announcer.start();
      this.#watch();
    });
  }

  /** When the tracker named the peers that are dialled within this call; undefined outside of one. */
  get naming(): number | undefined {
    return this.#naming;
  }

  /** Adds peers to those that are tried. @param wire that they are known to speak */
  add(peers: readonly Endpoint[], wire: WireName | undefined): void {
    this.#parts.torrent.discovered(peers, wire);
  }

  /** All is here: the trackers are told. */
  completed(): void {
    this.#announcer.completed();
  }

  /** Looks for nobody from now on; resolves when the trackers were told. */
  stop(): Promise<void> {
    this.#timer?.cancel();
    return this.#announcer.stop();
  }

  /** A compact answer names no peer ID: there the handshake shows who speaks PixWire. */
  #named(peers: readonly TrackerPeer[]): void {
    const { torrent } = this.#parts;
    const ours = peers.filter(({ peerId, pixwire }) => pixwire || (peerId && isPixTorrent(peerId)));
    this.#naming = systemClock.now();
    torrent.discovered(ours, 'pixwire');
    torrent.discovered(peers.filter((peer) => !ours.includes(peer)));
    this.#naming = undefined;
  }

  #watch(): void {
    const { torrent, resources } = this.#parts;
    const { complete } = torrent.pieces;
    const stalled = this.#stalls.look(torrent.received.total, complete);
    if (stalled || (!complete && torrent.peers.size < ENOUGH_PEERS)) this.#announcer.needPeers(stalled);
    this.#timer = resources.timers.after(NEED_PEERS_PERIOD, () => this.#watch());
  }
}
