import { peerId } from '@pixtorrent/core';
import { PeerTrait } from '@pixtorrent/tracker-protocol';
import type { Cluster, Redis } from 'ioredis';
import type { MemberChange } from '../peer-store.ts';

type Listener = (change: MemberChange) => void;

/** Bytes of a change before its endpoint: kind, peer ID, traits, length of the endpoint. */
const HEAD = 23;

/**
 * Changes of members as Redis tells them: one connection for all swarms, a channel for each that somebody watches. What
 * is told while the connection is away is missed.
 */
export class MemberFeed {
  readonly #limit: number;
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Channels that Redis has been asked for on the connection that there is. */
  readonly #asked = new Set<string>();
  /** Of those the ones that it has not said yes to. */
  readonly #unanswered = new Map<string, Promise<void>>();
  readonly #subscriber: Redis | Cluster;
  #closed = false;

  /** @param limit channels; what is watched beyond is not told of */
  constructor(client: Redis | Cluster, limit: number) {
    this.#limit = limit;
    this.#subscriber = this.#connect(client);
  }

  /** Channels that Redis has been asked for and has not answered. */
  get unanswered(): number {
    return this.#unanswered.size;
  }

  /** Fulfilled when Redis has answered for a channel, whatever it said. */
  async answered(channel: string): Promise<void> {
    await this.#unanswered.get(channel);
  }

  listen(channel: string, listener: Listener): () => void {
    if (this.#closed) return () => {};
    // Of its own, so that the same function can listen twice.
    const own: Listener = (change) => listener(change);
    const known = this.#listeners.get(channel);
    if (known !== undefined) known.add(own);
    else {
      if (this.#listeners.size >= this.#limit) return () => {};
      this.#listeners.set(channel, new Set([own]));
      this.#ask(channel);
    }
    return () => this.#leave(channel, own);
  }

  /** Asks for what could not be asked for, or was refused. */
  retry(): void {
    if (this.#asked.size < this.#listeners.size) this.#askForAll();
  }

  close(): void {
    this.#closed = true;
    const channels = [...this.#listeners.keys()];
    this.#listeners.clear();
    const subscriber = this.#subscriber;
    subscriber.off('ready', this.#askAnew).off('smessageBuffer', this.#receive);
    if (!subscriber.isCluster) (subscriber as Redis).disconnect();
    else for (const channel of channels) subscriber.sunsubscribe(channel).catch(ignore);
  }

  #leave(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    if (listeners?.delete(listener) !== true || listeners.size > 0) return;
    this.#listeners.delete(channel);
    if (this.#asked.delete(channel)) this.#subscriber.sunsubscribe(channel).catch(ignore);
  }

  #ask(channel: string): void {
    if (this.#subscriber.status !== 'ready' || this.#asked.has(channel)) return;
    this.#asked.add(channel);
    const answer: Promise<void> = this.#subscriber.ssubscribe(channel).then(
      () => this.#answer(channel, answer),
      () => {
        this.#asked.delete(channel);
        this.#answer(channel, answer);
      },
    );
    this.#unanswered.set(channel, answer);
  }

  #answer(channel: string, answer: Promise<void>): void {
    if (this.#unanswered.get(channel) === answer) this.#unanswered.delete(channel);
  }

  #connect(client: Redis | Cluster): Redis | Cluster {
    // A cluster's client has connections of its own for this, and moves its subscriptions to other nodes by itself.
    const subscriber = client.isCluster
      ? client
      : (client as Redis).duplicate({
          autoResubscribe: false,
          enableAutoPipelining: false,
          lazyConnect: false,
        });
    subscriber.on('ready', this.#askAnew);
    subscriber.on('smessageBuffer', this.#receive);
    if (!client.isCluster) subscriber.on('error', ignore);
    return subscriber;
  }

  readonly #askForAll = (): void => {
    for (const channel of this.#listeners.keys()) this.#ask(channel);
  };

  readonly #askAnew = (): void => {
    this.#asked.clear();
    this.#askForAll();
  };

  readonly #receive = (channel: Buffer, changes: Buffer): void => {
    const listeners = this.#listeners.get(channel.toString());
    if (listeners === undefined) return;
    for (const change of decodeChanges(changes)) for (const listener of listeners) listener(change);
  };
}

/** What is no change, whoever said it, ends it. */
function* decodeChanges(bytes: Buffer): Generator<MemberChange> {
  for (let at = 0; at + HEAD < bytes.length; ) {
    const length = bytes[at + HEAD - 1]!;
    const end = at + HEAD + length;
    const kind = bytes[at];
    if ((length !== 6 && length !== 18) || end > bytes.length || (kind !== 0x2b && kind !== 0x2d)) return;
    const traits = bytes[at + 21]!;
    yield {
      type: kind === 0x2b ? 'joined' : 'left',
      peerId: peerId(bytes.subarray(at + 1, at + 21)),
      address: new Uint8Array(bytes.subarray(at + HEAD, end - 2)),
      port: bytes.readUInt16BE(end - 2),
      seed: (traits & PeerTrait.seed) !== 0,
      pixwire: (traits & PeerTrait.pixwire) !== 0,
    };
    at = end;
  }
}

function ignore(): void {}
