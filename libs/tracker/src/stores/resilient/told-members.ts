import type { MemberChange } from '../peer-store.ts';

/**
 * What has been told of whom, so that what is heard by two ways is told once: a change is news that is other than what was
 * told last. The oldest are let go beyond the bound: of those it may be told again that they have come.
 */
export class ToldMembers {
  readonly #limit: number;
  /** Whether each is a seed, by watch and endpoint. */
  readonly #seeds = new Map<string, boolean>();
  #watches = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @returns a name for one who watches a swarm */
  newWatch(): string {
    return `${++this.#watches} `;
  }

  isNews(watch: string, { type, address, port, seed }: MemberChange): boolean {
    const key = `${watch}${port} ${Buffer.from(address.buffer, address.byteOffset, address.length).toString('latin1')}`;
    if (type === 'left') {
      this.#seeds.delete(key);
      return true;
    }
    if (this.#seeds.get(key) === seed) return false;
    this.#seeds.set(key, seed);
    if (this.#seeds.size > this.#limit) this.#seeds.delete(this.#seeds.keys().next().value!);
    return true;
  }
}
