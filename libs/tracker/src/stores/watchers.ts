import type { MemberChange } from './peer-store.ts';

type Listener = (change: MemberChange) => void;

/** Who wants to hear of the changes in a swarm. Changes are noted while they are made, and told when all is done. */
export class Watchers {
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #noted: { readonly to: ReadonlySet<Listener>; readonly change: MemberChange }[] = [];
  #telling = false;

  /** @returns what ends it */
  watch(swarm: string, listener: Listener): () => void {
    const own: Listener = (change) => listener(change);
    let listeners = this.#listeners.get(swarm);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(swarm, listeners);
    }
    listeners.add(own);
    return () => {
      listeners.delete(own);
      if (listeners.size === 0 && this.#listeners.get(swarm) === listeners) this.#listeners.delete(swarm);
    };
  }

  has(swarm: string): boolean {
    return this.#listeners.size !== 0 && this.#listeners.has(swarm);
  }

  /** @returns whether anybody will hear of it */
  note(swarm: string, change: MemberChange): boolean {
    const to = this.#listeners.get(swarm);
    if (to !== undefined) this.#noted.push({ to, change });
    return to !== undefined;
  }

  /** A listener that brings about more changes has them told after those that are told now, to everybody. */
  tell(): void {
    if (this.#telling || this.#noted.length === 0) return;
    this.#telling = true;
    try {
      for (const { to, change } of this.#noted) for (const listener of to) listener(change);
    } finally {
      this.#noted.length = 0;
      this.#telling = false;
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
