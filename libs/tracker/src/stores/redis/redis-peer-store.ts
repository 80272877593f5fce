import { randomUUID } from 'node:crypto';
import {
  type Clock,
  type InfoHash,
  infoHash,
  type Logger,
  printable,
  type Random,
  type Timer,
  type Timers,
  toHex,
} from '@pixtorrent/core';
import type { ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { Cluster, Redis } from 'ioredis';
import { PeerStoreError } from '../../errors.ts';
import type {
  Heard,
  MemberChange,
  PeerAnnounce,
  PeerSelection,
  SharedPeerStore,
  StoredPeer,
  SwarmFigures,
  SwarmTotals,
} from '../peer-store.ts';
import { ClockOffset } from './clock-offset.ts';
import { handOut } from './hand-out.ts';
import { Keys } from './keys.ts';
import { MemberFeed } from './member-feed.ts';
import { packAnnounce, packSending, packSince, packStored, type Sending } from './packed-announce.ts';
import { run, type Script } from './script.ts';
import {
  droppedOf,
  FIGURES_LENGTH,
  heardOf,
  isNews,
  isUnfinished,
  leechersOf,
  lifeOf,
  presenceOf,
  seedersOf,
  stateOf,
  swarmFiguresOf,
  timeOf,
} from './swarm-answer.ts';
import { SwarmIndex } from './swarm-index.ts';
import { ANNOUNCE, LOOK, RESTORE, SINCE, WIPE } from './swarm-scripts.ts';

export interface RedisPeerStoreDependencies {
  /**
   * Redis 7 or later. It is not closed with the store. How long it waits is how long the store waits: it has a
   * `commandTimeout` and no offline queue; a cluster's has `shardedSubscribers`.
   */
  readonly client: Redis | Cluster;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Told how many milliseconds each thing that is done with a swarm takes, whether it is done or fails. */
  readonly answered?: (milliseconds: number) => void;
  /** Milliseconds that stand in for Redis's own, which all replicas have in common. */
  readonly redisClock?: Clock;
}

export interface RedisPeerStoreOptions {
  /** Milliseconds for which a peer stays after an announce. */
  readonly timeToLive: number;
  /**
   * Milliseconds between two looks for swarms in which peers are due; also how late the index hears of a swarm.
   * @default 500
   */
  readonly sweepInterval?: number;
}

/** What this replica has done for all. */
export interface SweepFigures {
  /** Swarms that it has looked after unasked. */
  readonly swarms: number;
  /** Peers that it has dropped because their time was up. */
  readonly peers: number;
}

/** Peers that one call drops at most, or brings back. */
const STEP = 250;
/** Steps that a call waits for when many peers are due at once. */
const MAX_STEPS = 1000;
/** Changes of one swarm that are looked up when they may have been missed; of more the last. */
const MISSED = 1000;
/** Swarms of one shard that are looked after in one sweep. */
const SWEEP = 64;
/** Swarms that are asked for at the same time. */
const PAGE = 100;
const MAX_REPORTS = 100_000;
const MAX_CHANNELS = 100_000;
const NOBODY = {
  v4: new Uint8Array(0),
  v6: new Uint8Array(0),
  ids: new Uint8Array(0),
  traits: new Uint8Array(0),
};

/**
 * Peers in Redis, for all replicas of a tracker. Whatever is done to a swarm is one script on keys of one hash slot, in
 * time that does not grow with the swarm, but for the logarithm of the sorted set.
 */
export class RedisPeerStore implements SharedPeerStore {
  readonly #client: Redis | Cluster;
  readonly #timers: Timers;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #answered: ((milliseconds: number) => void) | undefined;
  readonly #now: () => string;
  readonly #offset: ClockOffset | undefined;
  readonly #timeToLive: number;
  readonly #sweepInterval: number;
  readonly #keys: Keys;
  readonly #index: SwarmIndex;
  readonly #feed: MemberFeed;
  #timer: Timer | undefined;
  #closed = false;
  #sweptSwarms = 0;
  #sweptPeers = 0;

  constructor(dependencies: RedisPeerStoreDependencies, options: RedisPeerStoreOptions) {
    const { client, redisClock } = dependencies;
    this.#client = client;
    this.#timers = dependencies.timers;
    this.#random = dependencies.random;
    this.#clock = dependencies.clock;
    this.#logger = dependencies.logger;
    this.#answered = dependencies.answered;
    this.#now = redisClock === undefined ? () => '' : () => String(redisClock.now());
    this.#offset = redisClock === undefined ? new ClockOffset(dependencies.clock) : undefined;
    this.#timeToLive = options.timeToLive;
    this.#sweepInterval = options.sweepInterval ?? 500;
    this.#keys = new Keys(client);
    this.#index = new SwarmIndex(client, this.#keys, this.#now, MAX_REPORTS);
    this.#feed = new MemberFeed({
      client,
      clock: dependencies.clock,
      limit: MAX_CHANNELS,
      missed: (hex, since) => this.#changesSince(hex, since),
    });
    this.#sweepLater();
  }

  get swept(): SweepFigures {
    return { swarms: this.#sweptSwarms, peers: this.#sweptPeers };
  }

  async announce(announce: PeerAnnounce): Promise<PeerSelection> {
    const hex = toHex(announce.infoHash);
    // Who comes after this announce and before the news is missed by who watches and announces.
    if (this.#feed.unanswered > 0) await this.#feed.answered(this.#keys.channel(hex));
    const packed = packAnnounce(announce, this.#sending());
    const answer = await this.#change(ANNOUNCE, hex, [packed, this.#now()]);
    return {
      seeders: seedersOf(answer),
      leechers: leechersOf(answer),
      peers: announce.role === 'gone' ? NOBODY : handOut(answer, announce, this.#random),
      heard: heardOf(answer),
    };
  }

  async restore(peers: readonly StoredPeer[]): Promise<Heard[]> {
    const swarms = new Map<string, number[]>();
    for (const [i, { infoHash }] of peers.entries()) {
      const hex = toHex(infoHash);
      const swarm = swarms.get(hex);
      if (swarm === undefined) swarms.set(hex, [i]);
      else swarm.push(i);
    }
    const heard: Heard[] = new Array(peers.length);
    const tell = async (hex: string, members: readonly number[]): Promise<void> => {
      const told = members.map((i) => packStored(peers[i]!));
      const answer = await this.#change(RESTORE, hex, [packSending(this.#sending()), this.#now(), ...told]);
      for (const i of members) heard[i] = peers[i]!.heard ?? Math.floor(heardOf(answer) - peers[i]!.age);
    };
    // Ages are as good as what is known of Redis's time.
    const [first] = swarms.keys();
    if (first !== undefined && this.#offset?.known === false) await this.#look(first, false);
    const calls: Promise<void>[] = [];
    for (const [hex, members] of swarms)
      for (let at = 0; at < members.length; at += STEP) calls.push(tell(hex, members.slice(at, at + STEP)));
    await Promise.all(calls);
    return heard;
  }

  scrape(infoHashes: readonly InfoHash[]): Promise<(ScrapeEntry | undefined)[]> {
    return Promise.all(
      infoHashes.map(async (hash) => {
        const answer = await this.#look(toHex(hash), false);
        if (presenceOf(answer) !== 'known') return undefined;
        const { seeders, leechers, completed } = stateOf(answer);
        return { seeders, leechers, completed };
      }),
    );
  }

  figures(infoHashes: readonly InfoHash[]): Promise<(SwarmFigures | undefined)[]> {
    return Promise.all(
      infoHashes.map(async (hash) => {
        const answer = await this.#look(toHex(hash), true);
        return presenceOf(answer) === 'known' ? swarmFiguresOf(hash, answer, this.#timeToLive) : undefined;
      }),
    );
  }

  async swarms(after: InfoHash | undefined, limit: number): Promise<SwarmFigures[]> {
    await this.#ask(() => this.#index.flush());
    const found: SwarmFigures[] = [];
    let last: Uint8Array | undefined = after;
    while (found.length < limit) {
      const most = Math.min(PAGE, limit - found.length);
      const page = await this.#ask(() => this.#index.page(last, most));
      for (const known of await this.figures(page.map(infoHash))) if (known !== undefined) found.push(known);
      if (page.length < most) break;
      last = page.at(-1);
    }
    return found;
  }

  async totals(): Promise<SwarmTotals> {
    await this.#ask(() => this.#index.flush());
    const [swarms, seeders, leechers, completed] = await this.#ask(() => this.#index.sums());
    return { swarms, seeders, leechers, completed };
  }

  watch(infoHash: InfoHash, listener: (change: MemberChange) => void): () => void {
    const hex = toHex(infoHash);
    return this.#feed.listen(this.#keys.channel(hex), hex, listener);
  }

  epoch(): Promise<string> {
    return this.#ask(() => this.#index.epoch(randomUUID()));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    this.#feed.close();
    // What it has learned last is for the others.
    await this.#index.flush().catch(() => {});
  }

  /** Looks after swarms in which peers are due, and tells the index what there is. @throws PeerStoreError */
  async sweep(): Promise<void> {
    await this.#ask(() => this.#index.flush());
    const due = await this.#ask(() => this.#index.claim(SWEEP));
    for (let at = 0; at < due.length; at += PAGE) {
      await Promise.all(due.slice(at, at + PAGE).map((hex) => this.#look(hex, false, true)));
    }
    this.#sweptSwarms += due.length;
    await this.#ask(() => this.#index.flush());
  }

  /** Replicas do not go about it in step. */
  #sweepLater(): void {
    if (this.#closed) return;
    const wait = this.#sweepInterval / 2 + this.#random.below(Math.ceil(this.#sweepInterval));
    this.#timer = this.#timers.after(wait, () => {
      this.#feed.retry();
      this.sweep()
        .catch(() => {})
        .then(() => this.#sweepLater());
    });
  }

  #sending(): Sending {
    const sent = this.#offset?.redisNow() ?? 0;
    return { timeToLive: this.#timeToLive, random: this.#random.below(2 ** 32), sent };
  }

  /** Runs a script that drops who is due, as often as that takes, and then does what it is for. */
  async #change(script: Script, hex: string, args: readonly (string | Buffer)[]): Promise<Buffer> {
    for (let steps = 0; ; steps++) {
      const answer = await this.#run(script, hex, args);
      if (isNews(answer)) this.#index.note(hex, stateOf(answer), lifeOf(answer));
      if (!isUnfinished(answer)) return answer;
      if (steps >= MAX_STEPS) throw new PeerStoreError('store-unavailable', 'too many peers are due');
      await this.#look(hex, false);
    }
  }

  /** @param report whether the index is to hear of it in any case */
  async #look(hex: string, distribution: boolean, report = false): Promise<Buffer> {
    const args = [distribution ? LOOK_CLOSELY : LOOK_ONLY, this.#now()];
    let changed = report;
    for (let steps = 0; ; steps++) {
      const answer = await this.#run(LOOK, hex, args);
      changed ||= isNews(answer) || presenceOf(answer) === 'over';
      if (isUnfinished(answer) && steps < MAX_STEPS) continue;
      if (changed) this.#index.note(hex, stateOf(answer), LIVES[presenceOf(answer)]);
      return answer;
    }
  }

  /** @param since by this machine's clock */
  async #changesSince(hex: string, since: number): Promise<Buffer> {
    const ago = this.#clock.now() - since;
    const now = this.#offset === undefined ? Number(this.#now()) : this.#offset.redisNow();
    // Redis may not have said yet what time it is: then whoever came last.
    const args = [packSince(now === 0 ? 0 : now - ago, this.#timeToLive, MISSED), this.#now()];
    return (await this.#run(SINCE, hex, args)).subarray(FIGURES_LENGTH);
  }

  async #run(script: Script, hex: string, args: readonly (string | Buffer)[]): Promise<Buffer> {
    const started = this.#clock.now();
    try {
      const answer = await this.#ask(() => this.#runOrWipe(script, this.#keys.swarm(hex), args));
      this.#offset?.learn(timeOf(answer));
      this.#sweptPeers += droppedOf(answer);
      return answer;
    } finally {
      this.#answered?.(this.#clock.now() - started);
    }
  }

  async #runOrWipe(script: Script, key: string, args: readonly (string | Buffer)[]): Promise<Buffer> {
    try {
      return await run(this.#client, script, key, args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('user_script')) throw error;
      this.#logger.warn('a swarm is not whole in redis, and is made anew', { key });
      await run(this.#client, WIPE, key, ['', this.#now()]);
      return run(this.#client, script, key, args);
    }
  }

  /** @throws PeerStoreError where Redis does not do it */
  async #ask<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new PeerStoreError('store-unavailable', 'the store is closed');
    try {
      return await work();
    } catch (error) {
      const reason = printable(error instanceof Error ? error.message : String(error));
      throw new PeerStoreError('store-unavailable', `the store of the peers does not answer: ${reason}`, {
        cause: error,
      });
    }
  }
}

const LIVES = { unknown: 'fading', known: 'there', over: 'over' } as const;
const LOOK_ONLY = lookFor(false);
const LOOK_CLOSELY = lookFor(true);

function lookFor(distribution: boolean): Buffer {
  return Buffer.from([STEP & 0xff, STEP >> 8, distribution ? 1 : 0]);
}
