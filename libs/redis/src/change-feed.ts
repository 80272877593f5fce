import { type Logger, printable, type Timer, type Timers } from '@pixtorrent/core';
import type { Cluster, Redis } from 'ioredis';

export interface ChangeFeedDependencies {
  /** A connection of its own is made like it. */
  readonly client: Redis | Cluster;
  readonly timers: Timers;
  readonly logger: Logger;
}

export interface ChangeFeedOptions {
  /** Of sharded publish/subscribe. A message on it is a letter, its number, a line feed, and any text. */
  readonly channel: string;
  /** The number of the last message, as Redis has it now; 0 for none. Where it fails, messages may have been missed. */
  readonly count: () => Promise<number>;
  /** Milliseconds between looks at the count of changes. */
  readonly checkInterval: number;
}

/** What a listener is told: letter and text of a message, or that some may have been missed. */
export interface ChangeFeedListener {
  changed(change: string): void;
  lost(): void;
}

/**
 * Changes as Redis tells them, each message with its number. What publish/subscribe loses is noticed: by a connection
 * that had to be made again, by a gap in the numbers, or, where nothing came after what was lost, by a look at the
 * count from time to time.
 */
export class ChangeFeed {
  readonly #dependencies: ChangeFeedDependencies;
  readonly #options: ChangeFeedOptions;
  readonly #listener: ChangeFeedListener;
  readonly #subscriber: Redis | Cluster;
  /** Number of the last message. */
  #last: number | undefined;
  /** The count where no message has come yet. */
  #base: number | undefined;
  /** The count at the look before: its messages have had time to come. */
  #counted: number | undefined;
  #subscribed = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(
    dependencies: ChangeFeedDependencies,
    options: ChangeFeedOptions,
    listener: ChangeFeedListener,
  ) {
    this.#dependencies = dependencies;
    this.#options = options;
    this.#listener = listener;
    const { client } = dependencies;
    this.#subscriber = client.isCluster ? client : ownConnection(client as Redis);
    this.#subscriber.on('ready', this.#subscribe);
    this.#subscriber.on('smessage', this.#receive);
    // A cluster's client moves its subscriptions to other nodes by itself, and tells when it has.
    if (client.isCluster) this.#subscriber.on('subscribersReady', this.#begin);
    else this.#subscriber.on('error', ignore).on('close', this.#disconnected);
    if (this.#subscriber.status === 'ready') this.#subscribe();
    this.#checkLater();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    const subscriber = this.#subscriber;
    subscriber.off('ready', this.#subscribe).off('smessage', this.#receive);
    if (!subscriber.isCluster) (subscriber as Redis).disconnect();
    else {
      subscriber.off('subscribersReady', this.#begin);
      if (this.#subscribed) subscriber.sunsubscribe(this.#options.channel).catch(ignore);
    }
  }

  readonly #subscribe = (): void => {
    if (this.#subscribed) return;
    this.#subscribed = true;
    this.#subscriber.ssubscribe(this.#options.channel).then(this.#begin, (error: Error) => {
      this.#subscribed = false;
      // A connection that is gone is made again, and is known to whoever watches the client.
      if (this.#closed || this.#subscriber.status !== 'ready') return;
      const reason = printable(error.message);
      this.#dependencies.logger.warn('no changes are told by Redis, only looked for', { reason });
    });
  };

  readonly #disconnected = (): void => {
    this.#subscribed = false;
  };

  /** Whatever comes from here on comes without a gap. */
  readonly #begin = (): void => {
    if (!this.#closed) this.#lose(undefined, undefined);
  };

  readonly #receive = (channel: string, message: string): void => {
    if (this.#closed || channel !== this.#options.channel) return;
    const end = message.indexOf('\n');
    const number = Number(message.slice(1, end));
    if (!Number.isSafeInteger(number)) this.#lose(undefined, undefined);
    else if (this.#last !== undefined && number !== this.#last + 1) this.#lose(number, undefined);
    else {
      this.#last = number;
      this.#listener.changed(message[0] + message.slice(end + 1));
    }
  };

  #lose(last: number | undefined, base: number | undefined): void {
    this.#last = last;
    this.#base = base;
    this.#counted = base;
    this.#listener.lost();
  }

  #checkLater(): void {
    if (this.#closed) return;
    this.#timer = this.#dependencies.timers.after(this.#options.checkInterval, () => {
      if (this.#subscriber.status === 'ready') this.#subscribe();
      this.#check().then(() => this.#checkLater());
    });
  }

  async #check(): Promise<void> {
    const count = await this.#options.count().catch(() => undefined);
    if (this.#closed) return;
    if (count === undefined) return this.#lose(undefined, undefined);
    if (this.#last === undefined) this.#base ??= count;
    const reached = this.#last ?? this.#base!;
    if (count < reached || (this.#counted !== undefined && reached < this.#counted))
      this.#lose(undefined, count);
    else this.#counted = count;
  }
}

function ownConnection(client: Redis): Redis {
  return client.duplicate({ autoResubscribe: false, enableAutoPipelining: false, lazyConnect: false });
}

function ignore(): void {}
