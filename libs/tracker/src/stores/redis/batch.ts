import type { Cluster, Redis } from 'ioredis';

/** What every client of ioredis can do, and its types do not say. */
export interface Scripting {
  evalshaBuffer(sha1: string, keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
  evalBuffer(text: string, keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
}

interface Call {
  readonly sha1: string;
  readonly key: string;
  readonly args: readonly (string | Buffer)[];
  readonly resolve: (answer: Buffer) => void;
  readonly reject: (error: Error) => void;
}

const batches = new WeakMap<Redis, Batch>();

/**
 * The client, with calls of scripts that leave together where they are made in one turn. By itself ioredis keeps those of
 * the next turn until it has all answers of the last: Redis and this process would wait for each other in turn.
 */
export function scriptingOf(client: Redis | Cluster): Scripting {
  if (client.isCluster) return client as unknown as Scripting;
  const redis = client as Redis;
  let batch = batches.get(redis);
  if (batch === undefined) {
    batch = new Batch(redis);
    batches.set(redis, batch);
  }
  return batch;
}

/** What waits is bounded by who may wait for the store, and each call by the client's `commandTimeout`. */
class Batch implements Scripting {
  readonly #client: Redis;
  #calls: Call[] = [];

  constructor(client: Redis) {
    this.#client = client;
  }

  evalBuffer(text: string, keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer> {
    return (this.#client as unknown as Scripting).evalBuffer(text, keys, key, ...args);
  }

  evalshaBuffer(sha1: string, _keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      // biome-ignore lint/style/noRestrictedGlobals: the end of this turn, and no time
      if (this.#calls.push({ sha1, key, args, resolve, reject }) === 1) setImmediate(this.#send);
    });
  }

  readonly #send = (): void => {
    const calls = this.#calls;
    this.#calls = [];
    const pipeline = this.#client.pipeline();
    const scripting = pipeline as unknown as Scripting;
    for (const { sha1, key, args } of calls) void scripting.evalshaBuffer(sha1, 1, key, ...args);
    pipeline.exec().then(
      (results) => {
        for (const [i, { resolve, reject }] of calls.entries()) {
          const [error, answer] = results?.[i] ?? [new Error('no answer')];
          if (error === null) resolve(answer as Buffer);
          else reject(error);
        }
      },
      (error: Error) => {
        for (const { reject } of calls) reject(error);
      },
    );
  };
}
