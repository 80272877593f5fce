import type { Timer } from '@pixtorrent/core';
import { GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { Downloader } from '../requests/downloader.ts';
import type { Swarm } from '../swarm.ts';
import type { Connector } from './connector.ts';

/** How often the peers are looked at, milliseconds. */
const PERIOD = 500;
/** How long a connection may be of no use to either side when others wait for its place, milliseconds. */
const USELESS_FOR = 60_000;
/** How long a payload that somebody waits for may stand still, milliseconds. */
const URGENT_STUCK_AFTER = 1000;
/** What a line delivers at least while it counts as alive, bytes a millisecond. */
const SLOWEST = 2;

/** Watches for peers that owe data, and makes room for better ones. */
export class PeerMonitor {
  readonly #swarm: Swarm;
  readonly #downloader: Downloader;
  readonly #connector: Connector;
  #timer: Timer | undefined;

  constructor(swarm: Swarm, downloader: Downloader, connector: Connector) {
    this.#swarm = swarm;
    this.#downloader = downloader;
    this.#connector = connector;
  }

  /** Goes on as long as there are peers: a node may have a thousand torrents that nobody wants just now. */
  start(): void {
    this.#timer ??= this.#swarm.dependencies.timers.after(PERIOD, () => {
      this.#timer = undefined;
      // First: whoever hears of a peer's end may stop the torrent.
      if (this.#swarm.peers.size > 0) this.start();
      const now = this.#swarm.dependencies.clock.now();
      for (const peer of [...this.#swarm.peers]) this.#watch(peer, now);
      this.#downloader.hurryLate();
      this.#replaceUseless(now);
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watch(peer: Peer, now: number): void {
    if (peer.requests.count === 0 && peer.landing < 0) return;
    const { tuning, pieces } = this.#swarm;
    const silence = now - peer.lastDataAt;
    const usual = peer.window.latency === Number.POSITIVE_INFINITY ? 0 : 4 * peer.window.latency;
    const patience = Math.max(tuning.lateAfter, usual, landingTime(peer));
    const snubbedAfter = Math.max(tuning.snubbedAfter, landingTime(peer));
    if (silence > Math.min(patience, snubbedAfter)) this.#downloader.releaseLate(peer, now - patience);
    if (silence > snubbedAfter && !peer.snubbed && !peer.chokesUs) this.#snubbed(peer, now);
    const waited = this.#downloader.isUrgent(peer.landing);
    const stuckAfter = waited ? Math.max(URGENT_STUCK_AFTER, landingTime(peer)) : patience;
    if (peer.landing >= 0 && silence > stuckAfter && pieces.availability.copies(peer.landing) > 1) {
      // Nobody else can write these blocks while their payload is under way: the connection has to go.
      this.#swarm.disconnect(peer, 'idle', GoodbyeReason.leaving, 'stuck in a block');
      return;
    }
    if (
      silence > tuning.deadAfter ||
      (peer.snubbed && silence > tuning.deadAfter / 2 && this.#connector.hasWaiting)
    ) {
      this.#swarm.disconnect(peer, 'idle', GoodbyeReason.leaving, 'no data for too long');
    }
  }

  #snubbed(peer: Peer, now: number): void {
    peer.snubbed = true;
    peer.window.collapse();
    const { reputation, dependencies } = this.#swarm;
    const cause = reputation.stall(peer.key, now);
    if (!cause) return;
    dependencies.events?.peerBanned?.(peer.key, cause);
    this.#swarm.disconnect(peer, 'banned', GoodbyeReason.banned, 'stalls');
  }

  /** One at a time gives its place to a candidate. */
  #replaceUseless(now: number): void {
    const { peers, tuning } = this.#swarm;
    if (peers.size < tuning.dialTarget || !this.#connector.hasWaiting) return;
    for (const peer of peers) {
      const useful = peer.wantsData || peer.interestedSent;
      if (useful || now - Math.max(peer.connectedAt, peer.lastDataAt) < USELESS_FOR) continue;
      this.#swarm.disconnect(peer, 'replaced', GoodbyeReason.leaving, 'making room');
      return;
    }
  }
}

/** Milliseconds that the payload which is landing may take: its progress is not seen before its end. */
function landingTime(peer: Peer): number {
  if (peer.landing < 0) return 0;
  return (4 * peer.landingLength) / (peer.window.rate || 4 * SLOWEST);
}
