import type { LookupAddress } from 'node:dns';
import type { HostAndPort } from '@pixtorrent/service-kit';

/** One process of a service, which has an address of its own. */
export interface Replica {
  readonly address: string;
  readonly port: number;
  /** What it was found by, and what its certificate names. */
  readonly host: string;
}

/** As `lookup` of `node:dns/promises` has it. @throws the system's error where nothing is known by that name */
export type Lookup = (host: string, options: { readonly all: true }) => Promise<readonly LookupAddress[]>;

/** All replicas of a service that is reached by some names, each of which stands for one of them or several. */
export class Replicas {
  readonly #names: readonly HostAndPort[];
  readonly #lookup: Lookup;
  /** What each of the names stood for when it was known last. */
  readonly #known: (readonly LookupAddress[])[];
  #family = 4;

  constructor(names: readonly HostAndPort[], lookup: Lookup) {
    this.#names = names;
    this.#lookup = lookup;
    this.#known = names.map(() => []);
  }

  /** Looks again. What cannot be looked up now stands for what it did; how long that takes is the resolver's to bound. */
  async look(): Promise<readonly Replica[]> {
    await Promise.all(
      this.#names.map(async ({ host }, n) => {
        this.#known[n] = await this.#lookup(host, { all: true }).catch(() => this.#known[n]!);
      }),
    );
    return this.#names.flatMap(({ host, port }, n) =>
      this.#ofOneFamily(this.#known[n]!).map(({ address }) => ({ address, port, host })),
    );
  }

  /** Nobody answers at these: addresses of the other family are preferred from now on. */
  tryOthers(): void {
    this.#family = this.#family === 4 ? 6 : 4;
  }

  /** Where a name has addresses of both, a replica has one of each, and would hear everything twice. */
  #ofOneFamily(addresses: readonly LookupAddress[]): readonly LookupAddress[] {
    const preferred = addresses.filter(({ family }) => family === this.#family);
    return preferred.length > 0 ? preferred : addresses;
  }
}
