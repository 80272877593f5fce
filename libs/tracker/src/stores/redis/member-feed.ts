import type { Clock } from '@pixtorrent/core';
import type { Cluster, Redis } from 'ioredis';
import type { MemberChange } from '../peer-store.ts';
import { decodeChanges } from './member-changes.ts';

type Listener = (change: MemberChange) => void;

export interface MemberFeedDependencies {
  /** A connection of its own is made like it, but for a cluster, whose client has some. */
  readonly client: Redis | Cluster;
  readonly clock: Clock;
  /** What has happened in a swarm since a time of `clock`, encoded, as far as that is known. */
  readonly missed: (hex: string, since: number) => Promise<Buffer>;
  /** Channels; what is watched beyond is not told of. */
  readonly limit: number;
}

/** Swarms that are caught up with at the same time. */
const MAX_CATCHING_UP = 64;
/** Milliseconds before a connection was last known to be there, in which something may have been lost on it. */
const MARGIN = 1000;
/** Milliseconds that a cluster's client may take to find where a channel went. */
const MOVE = 30_000;

/** A channel that somebody listens to. */
interface Channel {
  readonly name: string;
  /** Info hash of its swarm. */
  readonly hex: string;
  readonly listeners: Set<Listener>;
  /** Fulfilled when Redis has answered for it, whatever it said. */
  answer?: Promise<void> | undefined;
  /** From when on something may have been missed. */
  missedSince?: number | undefined;
  /** While it is caught up with: endpoints of which something newer has been told. */
  heard?: Set<string> | undefined;
}

/**
 * Changes of members as Redis tells them: one connection for all swarms, a channel for each that somebody watches. What
 * happens while the connection is away, or not there yet, is looked up when it is there: first the channel is listened to,
 * then the swarm is read, then what is new of that is told.
 */
export class MemberFeed {
  readonly #deps: MemberFeedDependencies;
  readonly #channels = new Map<string, Channel>();
  /** Those that Redis has not been asked for on the connection that there is. */
  readonly #unasked = new Set<Channel>();
  readonly #behind = new Set<Channel>();
  readonly #subscriber: Redis | Cluster;
  #unanswered = 0;
  #catchingUp = 0;
  /** When the connection was last known to be there. */
  #sound: number;
  #pinging = false;
  #closed = false;

  constructor(dependencies: MemberFeedDependencies) {
    this.#deps = dependencies;
    this.#sound = dependencies.clock.now();
    this.#subscriber = this.#connect(dependencies.client);
  }

  /** Channels that Redis has been asked for and has not answered. */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** Fulfilled when Redis has answered for a channel, whatever it said. */
  async answered(channel: string): Promise<void> {
    await this.#channels.get(channel)?.answer;
  }

  /** @param hex info hash of the channel's swarm */
  listen(name: string, hex: string, listener: Listener): () => void {
    if (this.#closed) return () => {};
    // Of its own, so that the same function can listen twice.
    const own: Listener = (change) => listener(change);
    const known = this.#channels.get(name);
    if (known !== undefined) {
      known.listeners.add(own);
      return () => this.#leave(known, own);
    }
    if (this.#channels.size >= this.#deps.limit) return () => {};
    const channel: Channel = { name, hex, listeners: new Set([own]) };
    this.#channels.set(name, channel);
    this.#unasked.add(channel);
    if (this.#subscriber.status === 'ready') this.#ask(channel);
    else channel.missedSince = this.#deps.clock.now();
    return () => this.#leave(channel, own);
  }

  /** Asks for what could not be asked for, or was refused, and sees whether the connection is there. */
  retry(): void {
    this.#askForAll();
    this.#catchUp();
    if (!this.#subscriber.isCluster && this.#channels.size > 0) void this.#ping(this.#subscriber as Redis);
  }

  close(): void {
    this.#closed = true;
    const channels = [...this.#channels.keys()];
    for (const list of [this.#channels, this.#unasked, this.#behind]) list.clear();
    const subscriber = this.#subscriber;
    subscriber.off('ready', this.#askForAll).off('smessageBuffer', this.#receive);
    if (!subscriber.isCluster) (subscriber as Redis).off('close', this.#lost).disconnect();
    else {
      subscriber.off('subscribersReady', this.#moved);
      for (const channel of channels) subscriber.sunsubscribe(channel).catch(ignore);
    }
  }

  #leave(channel: Channel, listener: Listener): void {
    if (!channel.listeners.delete(listener) || channel.listeners.size > 0) return;
    if (!this.#channels.delete(channel.name)) return;
    this.#behind.delete(channel);
    channel.heard = undefined;
    if (!this.#unasked.delete(channel)) this.#subscriber.sunsubscribe(channel.name).catch(ignore);
  }

  #ask(channel: Channel): void {
    const asked = this.#deps.clock.now();
    this.#unasked.delete(channel);
    this.#unanswered++;
    const answer: Promise<void> = this.#subscriber.ssubscribe(channel.name).then(
      () => void this.#answered(channel, answer),
      () => {
        channel.missedSince ??= asked;
        if (this.#answered(channel, answer)) this.#unasked.add(channel);
      },
    );
    channel.answer = answer;
  }

  /** @returns whether anybody still waits for it */
  #answered(channel: Channel, answer: Promise<unknown>): boolean {
    this.#unanswered--;
    if (channel.answer !== answer) return false;
    channel.answer = undefined;
    if (this.#channels.get(channel.name) !== channel) return false;
    if (channel.missedSince !== undefined) {
      this.#behind.add(channel);
      this.#catchUp();
    }
    return true;
  }

  #catchUp(): void {
    for (const channel of this.#behind) {
      if (this.#catchingUp >= MAX_CATCHING_UP) return;
      this.#behind.delete(channel);
      this.#catchingUp++;
      void this.#tellMissed(channel).then((done) => {
        this.#catchingUp--;
        // What Redis does not say now is asked for with the next `retry`.
        if (done) this.#catchUp();
      });
    }
  }

  /** What is told meanwhile is newer than what is read, or the same. @returns whether Redis has answered */
  async #tellMissed(channel: Channel): Promise<boolean> {
    const heard = new Set<string>();
    channel.heard = heard;
    let changes: Buffer;
    try {
      changes = await this.#deps.missed(channel.hex, channel.missedSince! - MARGIN);
    } catch {
      if (channel.heard === heard) this.#behind.add(channel);
      return false;
    }
    // Left, or lost again.
    if (channel.heard !== heard) return true;
    channel.heard = undefined;
    channel.missedSince = undefined;
    for (const { endpoint, change } of decodeChanges(changes))
      if (!heard.has(endpoint)) for (const listener of channel.listeners) listener(change);
    return true;
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
    subscriber.on('ready', this.#askForAll);
    subscriber.on('smessageBuffer', this.#receive);
    if (client.isCluster) subscriber.on('subscribersReady', this.#moved);
    else subscriber.on('error', ignore).on('close', this.#lost);
    return subscriber;
  }

  readonly #askForAll = (): void => {
    if (this.#subscriber.status !== 'ready') return;
    for (const channel of this.#unasked) this.#ask(channel);
  };

  readonly #lost = (): void => {
    this.#behind.clear();
    for (const channel of this.#channels.values()) {
      channel.missedSince ??= this.#sound;
      channel.heard = undefined;
      this.#unasked.add(channel);
    }
  };

  /** Some of a cluster's channels have come to other nodes. */
  readonly #moved = (): void => {
    const since = this.#deps.clock.now() - MOVE;
    for (const channel of this.#channels.values()) {
      channel.missedSince ??= since;
      channel.heard = undefined;
      if (channel.answer === undefined && !this.#unasked.has(channel)) this.#behind.add(channel);
    }
    this.#catchUp();
  };

  readonly #receive = (name: Buffer, changes: Buffer): void => {
    const channel = this.#channels.get(name.toString());
    if (channel === undefined) return;
    for (const { endpoint, change } of decodeChanges(changes)) {
      channel.heard?.add(endpoint);
      for (const listener of channel.listeners) listener(change);
    }
  };

  async #ping(subscriber: Redis): Promise<void> {
    if (this.#pinging || subscriber.status !== 'ready') return;
    this.#pinging = true;
    await subscriber.ping().then(() => {
      this.#sound = this.#deps.clock.now();
    }, ignore);
    this.#pinging = false;
  }
}

function ignore(): void {}
