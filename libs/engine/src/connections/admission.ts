import { sameBytes } from '@pixtorrent/core';
import { GoodbyeReason } from '@pixtorrent/peer-protocol';
import type { ConnectionInfo, Peer } from '../peer.ts';
import type { DisconnectReason, PeerLink } from '../ports.ts';
import { reputationKey } from '../reputation/reputation.ts';
import type { Swarm } from '../swarm.ts';
import type { Connector } from './connector.ts';
import { keepsOwnDial } from './duplicates.ts';

/** What takes those who are let in. */
interface Host {
  isRunning(): boolean;
  welcome(link: PeerLink, info: ConnectionInfo, key: string): Peer;
}

/** Decides which connections are kept: not those to ourselves, of the banned, beyond the limit, or second ones. */
export class Admission {
  readonly #swarm: Swarm;
  readonly #connector: Connector;
  readonly #torrent: Host;

  constructor(swarm: Swarm, connector: Connector, torrent: Host) {
    this.#swarm = swarm;
    this.#connector = connector;
    this.#torrent = torrent;
  }

  /** @returns undefined where the connection was refused, and its link closed */
  decide(link: PeerLink, info: ConnectionInfo): Peer | undefined {
    const candidate = info.incoming ? undefined : this.#connector.dialled(info.endpoint);
    const { peerId } = info.handshake;
    const refuse = (reason: DisconnectReason, goodbye: GoodbyeReason) => {
      link.close(reason, goodbye, reason);
      if (reason === 'self' && !info.incoming) this.#connector.isOurs(info.endpoint);
      else if (candidate) this.#connector.lost(info.endpoint, reason, true);
      return undefined;
    };
    if (!this.#torrent.isRunning()) return refuse('stopped', GoodbyeReason.leaving);
    if (sameBytes(peerId, this.#swarm.options.peerId)) return refuse('self', GoodbyeReason.duplicate);
    const key = reputationKey(info.endpoint, peerId);
    if (this.#swarm.reputation.isBanned(key, this.#swarm.dependencies.clock.now()))
      return refuse('banned', GoodbyeReason.banned);
    if (candidate && this.#connector.upgrades(candidate, link.wire, peerId)) {
      link.close('replaced', GoodbyeReason.leaving, 'PixWire');
      this.#connector.redial(candidate);
      return undefined;
    }
    const twin = this.#find(peerId);
    if (twin) {
      if (!this.#replaces(info, twin)) {
        link.close('duplicate', GoodbyeReason.duplicate, 'duplicate connection');
        if (candidate) twin.listensAt ??= info.endpoint;
        return undefined;
      }
      const peer = this.#torrent.welcome(link, info, key);
      if (info.incoming && !twin.info.incoming) peer.listensAt = twin.info.endpoint;
      this.#swarm.disconnect(twin, 'duplicate', GoodbyeReason.duplicate, 'duplicate connection');
      return peer;
    }
    if (this.#swarm.peers.size >= this.#swarm.tuning.maxConnections) {
      return refuse('replaced', GoodbyeReason.overloaded);
    }
    return this.#torrent.welcome(link, info, key);
  }

  /** Whether a second connection of a peer takes the place of the first. */
  #replaces(info: ConnectionInfo, twin: Peer): boolean {
    if (info.incoming === twin.info.incoming) return info.endpoint.host === twin.info.endpoint.host;
    return keepsOwnDial(this.#swarm.options.peerId, info.handshake.peerId) !== info.incoming;
  }

  #find(peerId: Uint8Array): Peer | undefined {
    for (const peer of this.#swarm.peers) if (sameBytes(peer.info.handshake.peerId, peerId)) return peer;
    return undefined;
  }
}
