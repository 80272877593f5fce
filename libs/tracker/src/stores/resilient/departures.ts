import type { Clock } from '@pixtorrent/core';
import type { StoredPeer } from '../peer-store.ts';

type Departure = Omit<StoredPeer, 'age' | 'role'>;

/**
 * Who has left by this replica: the memory of this process knows who is there, but not who was. Other replicas may not
 * have heard, and tell an emptied store that they are there. The oldest are let go beyond the bound, and stay where
 * they are until their time is up.
 */
export class Departures {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #left = new Map<string, { readonly peer: Departure; readonly at: number }>();

  constructor(clock: Clock, limit: number) {
    this.#clock = clock;
    this.#limit = limit;
  }

  get size(): number {
    return this.#left.size;
  }

  note({ age, ...departure }: Omit<StoredPeer, 'role'>): void {
    const { infoHash, peerId, address, port, left, zone, node, pixwire, heard } = departure;
    const key = `${latin1(infoHash)}${latin1(address)}${port}`;
    this.#left.delete(key);
    const peer = { infoHash, peerId, address, port, left, zone, node, pixwire, heard };
    this.#left.set(key, { peer, at: this.#clock.now() - age });
    if (this.#left.size > this.#limit) this.#left.delete(this.#left.keys().next().value!);
  }

  /** Those who have left since `at` and after, as a store takes them, in arrays of up to `batch`. */
  *since(at: number, batch: number): Generator<StoredPeer[]> {
    const known = [...this.#left.values()].filter((departure) => departure.at >= at);
    for (let start = 0; start < known.length; start += batch) {
      const now = this.#clock.now();
      const some = known.slice(start, start + batch);
      yield some.map((departure) => ({ ...departure.peer, role: 'gone', age: now - departure.at }));
    }
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
