import type { Clock } from '@pixtorrent/core';
import type { Heard, StoredPeer } from '@pixtorrent/tracker';
import type { AnnounceRequest } from '@pixtorrent/tracker-protocol';
import type { Announced } from '../announce-messages.ts';
import { endpointKey } from './endpoint-key.ts';
import { HandedOut } from './handed-out.ts';
import type { SwarmListener } from './swarm-news.ts';

/** Who a swarm of a session reports to. */
export interface SessionSwarmOwner {
  tell(message: Buffer): void;
  lost(swarm: SessionSwarm): void;
}

/** One swarm of one session, and its peer. */
export class SessionSwarm implements SwarmListener {
  readonly handedOut = new HandedOut();
  readonly #owner: SessionSwarmOwner;
  readonly #clock: Clock;
  #announced: Announced;
  #endpoint: string;
  /** Bytes that the peer lacked when it last said so. */
  #left: number;
  #heard: number | undefined;
  /** The same by the store's own clock. */
  #heardByStore: Heard;
  /** Ends the news of it. */
  unfollow: () => void = nothing;

  constructor(announced: Announced, clock: Clock, owner: SessionSwarmOwner) {
    this.#clock = clock;
    this.#owner = owner;
    this.#announced = announced;
    this.#endpoint = endpointOf(announced);
    this.#left = announced.request.left;
  }

  /** What was announced last in full. */
  get announced(): Announced {
    return this.#announced;
  }

  get endpoint(): string {
    return this.#endpoint;
  }

  get seed(): boolean {
    return this.#left === 0;
  }

  /** When the store last heard of it from here, on the clock of the service; undefined for not yet. */
  get heard(): number | undefined {
    return this.#heard;
  }

  /** Whether the peer listens where it did, by what it announces now. */
  isAt(announced: Announced): boolean {
    return this.#endpoint === endpointOf(announced);
  }

  announceAgain(announced: Announced): void {
    this.#announced = announced;
    this.#endpoint = endpointOf(announced);
  }

  /** What it is about to say to the tracker. */
  says({ left }: AnnounceRequest): void {
    this.#left = left;
  }

  /** The store has heard of it, when by its own clock. */
  wasHeard(byStore: Heard): void {
    this.#heard = this.#clock.now();
    this.#heardByStore = byStore;
  }

  tell(message: Buffer): void {
    this.#owner.tell(message);
  }

  lost(): void {
    this.#owner.lost(this);
  }

  /** The peer as it is now. */
  present(): StoredPeer {
    return this.#stored(this.seed ? 'seed' : 'leecher', 0);
  }

  /** The peer as gone since it was last heard of; undefined where it never was. */
  departed(): StoredPeer | undefined {
    if (this.#heard === undefined) return undefined;
    // Whole milliseconds, as stores count them: a fraction more, and they would have heard of it since.
    const age = Math.floor(this.#clock.now() - this.#heard);
    return { ...this.#stored('gone', age), heard: this.#heardByStore };
  }

  #stored(role: StoredPeer['role'], age: number): StoredPeer {
    const { request, asking } = this.#announced;
    const { infoHash, peerId, port } = request;
    const { address, zone = '', node = '', pixwire = false } = asking;
    return { infoHash, peerId, address, port, role, left: this.#left, zone, node, pixwire, age };
  }
}

function endpointOf({ request, asking }: Announced): string {
  return endpointKey(asking.address, request.port);
}

function nothing(): void {}
