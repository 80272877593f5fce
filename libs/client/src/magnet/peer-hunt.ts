import { type Endpoint, endpointKey, type Timers } from '@pixtorrent/core';

/** Peers asked at once. */
const AT_ONCE = 8;
/** Endpoints remembered. */
const MAX_KNOWN = 500;
/** Before a peer that gave nothing is asked again, milliseconds: it may only just have started. */
const ASK_AGAIN = 3000;

/** Asks the peers that were heard of, a few at once and each again after a while, until it is ended. */
export class PeerHunt {
  readonly #ask: (endpoint: Endpoint) => Promise<void>;
  readonly #timers: Timers;
  readonly #known = new Set<string>();
  readonly #waiting: Endpoint[] = [];
  #busy = 0;
  #ended = false;

  /** @param ask settles when it is done with the peer; never rejects */
  constructor(ask: (endpoint: Endpoint) => Promise<void>, timers: Timers) {
    this.#ask = ask;
    this.#timers = timers;
  }

  found(peers: readonly Endpoint[]): void {
    for (const peer of peers) {
      const key = endpointKey(peer);
      if (this.#known.has(key) || this.#known.size >= MAX_KNOWN) continue;
      this.#known.add(key);
      this.#waiting.push(peer);
    }
    this.#next();
  }

  end(): void {
    this.#ended = true;
    this.#waiting.length = 0;
  }

  #next(): void {
    while (!this.#ended && this.#busy < AT_ONCE) {
      const peer = this.#waiting.shift();
      if (!peer) return;
      this.#busy++;
      void this.#ask(peer).then(() => {
        this.#busy--;
        this.#timers.after(ASK_AGAIN, () => {
          this.#waiting.push(peer);
          this.#next();
        });
        this.#next();
      });
    }
  }
}
