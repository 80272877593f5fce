import type { Cluster, Redis } from 'ioredis';
import { CLAIM, REPORT, REPORT_LENGTH } from './index-scripts.ts';
import { type Keys, SHARDS, shardOf } from './keys.ts';
import { run } from './script.ts';
import type { SwarmLife, SwarmState } from './swarm-answer.ts';

/** Reports that one call carries: Redis does nothing else meanwhile. */
const BATCH = 500;
/** Milliseconds for which a swarm that somebody looks after is kept from others. */
const CLAIM_TIME = 10_000;

/** A swarm as it was last seen. */
interface Report {
  readonly state: SwarmState;
  readonly life: SwarmLife;
}

const LIVES = { over: 0, there: 1, fading: 2 } as const;

/** Which swarms there are, in shards of which each lies on one node. It follows the swarms with a short delay. */
export class SwarmIndex {
  readonly #client: Redis | Cluster;
  readonly #keys: Keys;
  /** Stands in for Redis's time, milliseconds; '' for that itself. */
  readonly #now: () => string;
  readonly #limit: number;
  #reports = new Map<string, Report>();

  /** @param limit reports that wait at most; more are left to the sweep, which passes by every swarm */
  constructor(client: Redis | Cluster, keys: Keys, now: () => string, limit: number) {
    this.#client = client;
    this.#keys = keys;
    this.#now = now;
    this.#limit = limit;
  }

  /** Takes down how a swarm is, to be told with the next `flush`. */
  note(hex: string, state: SwarmState, life: SwarmLife): void {
    const waiting = this.#reports.get(hex);
    if (waiting === undefined ? this.#reports.size >= this.#limit : waiting.state.stamp > state.stamp) return;
    this.#reports.set(hex, { state, life });
  }

  /** What cannot be told waits for the next one. */
  async flush(): Promise<void> {
    if (this.#reports.size === 0) return;
    const shards: [string, Report][][] = Array.from({ length: SHARDS }, () => []);
    for (const entry of this.#reports) shards[shardOf(entry[0])]!.push(entry);
    this.#reports = new Map();
    const calls: Promise<void>[] = [];
    for (const [shard, entries] of shards.entries())
      for (let at = 0; at < entries.length; at += BATCH)
        calls.push(this.#tellOrKeep(shard, entries.slice(at, at + BATCH)));
    await Promise.all(calls);
  }

  /** Up to `limit` swarms of each shard that somebody should look after, who is the caller: hexadecimal info hashes. */
  async claim(limit: number): Promise<string[]> {
    const args = [String(limit), this.#now(), String(CLAIM_TIME)];
    const answers = await Promise.all(
      this.#shards().map((shard) => run(this.#client, CLAIM, this.#keys.shard(shard), args)),
    );
    const due: string[] = [];
    for (const answer of answers)
      for (let at = 0; at < answer.length; at += 20) due.push(answer.toString('hex', at, at + 20));
    return due;
  }

  /** Up to `limit` info hashes after `after`, in their order. */
  async page(after: Uint8Array | undefined, limit: number): Promise<Buffer[]> {
    const found: Buffer[] = [];
    let from: string | Buffer =
      after === undefined ? '-' : Buffer.concat([Buffer.from('('), Buffer.from(after)]);
    for (
      let shard = after === undefined ? 0 : after[0]! >> 4;
      shard < SHARDS && found.length < limit;
      shard++
    ) {
      const most = limit - found.length;
      const key = `${this.#keys.shard(shard)}:o`;
      found.push(...(await this.#client.zrangebylexBuffer(key, from, '+', 'LIMIT', 0, most)));
      from = '-';
    }
    return found;
  }

  /** Sums over all swarms: how many, seeders, leechers, downloads. */
  async sums(): Promise<[number, number, number, number]> {
    const sums: [number, number, number, number] = [0, 0, 0, 0];
    const figures = await Promise.all(
      this.#shards().map(async (shard) => {
        const key = this.#keys.shard(shard);
        const [swarms, totals] = await Promise.all([
          this.#client.hlen(`${key}:f`),
          this.#client.hmget(`${key}:t`, 's', 'l', 'c'),
        ]);
        return [swarms, ...totals.map(Number)];
      }),
    );
    for (const shard of figures) for (const [i, figure] of shard.entries()) sums[i]! += figure;
    return sums;
  }

  /** A name for this life of all shards; new when one of them has been emptied. @param fresh a name never used before */
  async epoch(fresh: string): Promise<string> {
    const names = await Promise.all(
      this.#shards().map(async (shard) => {
        const key = `${this.#keys.shard(shard)}:epoch`;
        return (await this.#client.set(key, fresh, 'NX', 'GET')) ?? fresh;
      }),
    );
    return names.join();
  }

  #shards(): number[] {
    return Array.from({ length: SHARDS }, (_, shard) => shard);
  }

  async #tellOrKeep(shard: number, entries: readonly [string, Report][]): Promise<void> {
    try {
      await this.#tell(shard, entries);
    } catch (error) {
      for (const [hex, { state, life }] of entries) this.note(hex, state, life);
      throw error;
    }
  }

  async #tell(shard: number, entries: readonly [string, Report][]): Promise<void> {
    const bytes = Buffer.allocUnsafe(entries.length * REPORT_LENGTH);
    let at = 0;
    for (const [hex, { state, life }] of entries) {
      bytes.write(hex, at, 'hex');
      bytes[at + 20] = LIVES[life];
      bytes.writeUInt32LE(state.seeders, at + 21);
      bytes.writeUInt32LE(state.leechers, at + 25);
      bytes.writeUInt32LE(state.completed, at + 29);
      bytes.writeDoubleLE(state.stamp, at + 33);
      bytes.writeDoubleLE(state.due, at + 41);
      at += REPORT_LENGTH;
    }
    await run(this.#client, REPORT, this.#keys.shard(shard), [bytes]);
  }
}
