import { type Endpoint, endpointKey, isPixTorrent, type Timer } from '@pixtorrent/core';
import type { WireName } from '@pixtorrent/peer-protocol';
import type { Peer } from '../peer.ts';
import type { DisconnectReason } from '../ports.ts';
import type { Swarm } from '../swarm.ts';
import { type Candidate, Candidates } from './candidates.ts';

/** Before a peer is dialled again whose connection ended, by how it ended, milliseconds. */
const REDIAL: Readonly<Record<DisconnectReason, number>> = {
  leaving: 60_000,
  duplicate: 5000,
  self: 600_000,
  'both-complete': 600_000,
  replaced: 60_000,
  'protocol-error': 60_000,
  banned: 600_000,
  idle: 30_000,
  'remote-closed': 5000,
  'network-error': 2000,
  stopped: 60_000,
};

/** Keeps the number of connections up: dials candidates, with back-off, and at once when a peer is lost. */
export class Connector {
  readonly #swarm: Swarm;
  readonly #candidates: Candidates;
  #halfOpen = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(swarm: Swarm) {
    this.#swarm = swarm;
    this.#candidates = new Candidates(swarm.tuning.maxCandidates, swarm.dependencies.random);
  }

  discovered(endpoints: readonly Endpoint[], wire: WireName | undefined): void {
    for (const endpoint of endpoints) {
      const candidate = this.#candidates.add(endpoint);
      if (candidate && wire) candidate.wire = wire;
    }
    this.maintain();
  }

  /** Dials as many as are wanted and allowed. */
  maintain(): void {
    if (this.#stopped) return;
    const { peers, tuning, dependencies } = this.#swarm;
    const now = dependencies.clock.now();
    while (this.#halfOpen < tuning.maxHalfOpen && peers.size + this.#halfOpen < tuning.dialTarget) {
      const candidate = this.#candidates.choose(now);
      if (!candidate) break;
      this.#dial(candidate);
    }
    this.#schedule(now);
  }

  /** Something is lacked again after a time in which nothing was: those who were of no use then are tried at once. */
  needed(): void {
    this.#candidates.allowAll(this.#swarm.dependencies.clock.now());
    this.maintain();
  }

  /** The dial of this endpoint came to a connection; whether it is kept is decided elsewhere. */
  dialled(endpoint: Endpoint): Candidate | undefined {
    const candidate = this.#candidates.get(endpointKey(endpoint));
    if (candidate?.state !== 'dialling') return undefined;
    this.#halfOpen--;
    this.#candidates.connected(candidate);
    return candidate;
  }

  dialFailed(endpoint: Endpoint): void {
    const candidate = this.#candidates.get(endpointKey(endpoint));
    if (candidate?.state !== 'dialling') return;
    this.#halfOpen--;
    candidate.wire = undefined;
    this.#candidates.failed(candidate, this.#now());
    this.maintain();
  }

  /**
   * Whether a fresh connection over BEP 3 is to be given up for one over PixWire: the peer is one of ours, and it
   * was not PixWire that it has just refused.
   */
  upgrades(candidate: Candidate | undefined, wire: WireName, peerId: Uint8Array): boolean {
    const { wires = ['pixwire', 'bep3'] } = this.#swarm.options;
    return (
      candidate?.wire === undefined && wire === 'bep3' && isPixTorrent(peerId) && wires.includes('pixwire')
    );
  }

  /** Dials the endpoint again at once, in PixWire. */
  redial(candidate: Candidate): void {
    candidate.wire = 'pixwire';
    this.#dial(candidate);
  }

  /** The endpoint is this node's own. */
  isOurs(endpoint: Endpoint): void {
    const candidate = this.#candidates.add(endpoint);
    if (candidate) this.#candidates.ours(candidate);
  }

  /** An incoming peer has told where it listens: no need to dial it. */
  listensAt(endpoint: Endpoint): void {
    const candidate = this.#candidates.add(endpoint);
    if (candidate?.state === 'waiting') this.#candidates.connected(candidate);
  }

  /** A connection of the endpoint ended; `useful`: it was good for something, as far as it was taken at all. */
  lost(endpoint: Endpoint, reason: DisconnectReason, useful: boolean): void {
    const candidate = this.#candidates.get(endpointKey(endpoint));
    if (candidate?.state === 'connected') {
      this.#candidates.ended(candidate, this.#now(), REDIAL[reason], useful);
    }
    this.maintain();
  }

  /** Whether there is somebody to take the place of a peer that gives nothing. */
  get hasWaiting(): boolean {
    return this.#candidates.nextAt() <= this.#now();
  }

  /** The endpoint under which a connected peer would be dialled. */
  static endpointOf(peer: Peer): Endpoint {
    return peer.listensAt ?? peer.info.endpoint;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #dial(candidate: Candidate): void {
    this.#candidates.dialling(candidate);
    this.#halfOpen++;
    const { wires } = this.#swarm.options;
    this.#swarm.dependencies.dialler.dial(
      candidate.endpoint,
      wires?.length === 1 ? wires[0] : candidate.wire,
    );
  }

  #schedule(now: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const at = this.#candidates.nextAt();
    if (at === Number.POSITIVE_INFINITY || at <= now) return;
    this.#timer = this.#swarm.dependencies.timers.after(at - now, () => this.maintain());
  }

  #now(): number {
    return this.#swarm.dependencies.clock.now();
  }
}
