import type { InfoHash } from '@pixtorrent/core';
import { PeerStoreError, RefusedError } from '../errors.ts';
import type { Asking } from '../frontends/tracker-logic.ts';
import type { RateLimit } from './rate-limit.ts';

/** The torrents that a tracker knows, `CachedCatalog` for one. */
export interface KnownTorrents {
  /** Whether they have been read once. Until then nobody knows what is private. */
  readonly ready: boolean;
  has(infoHash: InfoHash): { readonly private: boolean } | undefined;
}

export interface AdmissionDependencies {
  readonly torrents: KnownTorrents;
  /** None: everybody may ask as often as he likes. */
  readonly rateLimit?: RateLimit | undefined;
}

export interface AdmissionOptions {
  /** Whether torrents are served that are not known. */
  readonly open: boolean;
  /** Which torrents want an announce key. */
  readonly keyFor: 'none' | 'private' | 'all';
  /** Those that admit. */
  readonly keys: readonly string[];
}

/** What of `Asking` decides. */
export type Admitted = Pick<Asking, 'address' | 'announceKey'>;

/** Seconds after which a torrent that is not served may be. */
const NOT_SERVED_RETRY = 300;

/** Who may ask about what, and how often. */
export class Admission {
  readonly #torrents: KnownTorrents;
  readonly #keys: ReadonlySet<string>;
  readonly #rateLimit: RateLimit | undefined;
  readonly #open: boolean;
  readonly #keyFor: AdmissionOptions['keyFor'];

  constructor({ torrents, rateLimit }: AdmissionDependencies, { open, keyFor, keys }: AdmissionOptions) {
    this.#torrents = torrents;
    this.#keys = new Set(keys);
    this.#rateLimit = rateLimit;
    this.#open = open;
    this.#keyFor = keyFor;
  }

  /**
   * Lets an announce of one torrent in.
   * @throws RefusedError; PeerStoreError `store-unavailable` while nobody knows which torrents there are
   */
  admit(infoHash: InfoHash, asking: Admitted): void {
    this.#limit(asking);
    this.check(infoHash, asking);
  }

  /** The same, however often it is asked: for who was let in, and is still there. */
  check(infoHash: InfoHash, asking: Admitted): void {
    switch (this.#judge(infoHash, this.#holdsKey(asking))) {
      case 'unknown':
        throw new PeerStoreError('store-unavailable', 'the catalogue has not been read yet');
      case 'not-served':
        throw new RefusedError('not-served', 'this tracker does not serve that torrent', NOT_SERVED_RETRY);
      case 'wrong-key':
        throw new RefusedError('wrong-key', 'this torrent wants an announce key: http://HOST/KEY/announce');
    }
  }

  /**
   * Says of each torrent whether figures of it may be told; whoever is let in nowhere is told of nothing.
   * @throws RefusedError `too-often`
   */
  admitEach(infoHashes: readonly InfoHash[], asking: Admitted): boolean[] {
    this.#limit(asking);
    const holdsKey = this.#holdsKey(asking);
    return infoHashes.map((infoHash) => this.#judge(infoHash, holdsKey) === 'admitted');
  }

  #judge(infoHash: InfoHash, holdsKey: boolean): 'admitted' | 'unknown' | 'not-served' | 'wrong-key' {
    if (this.#open && (this.#keyFor === 'none' || holdsKey)) return 'admitted';
    if (this.#keyFor === 'all' && !holdsKey) return 'wrong-key';
    const known = this.#torrents.has(infoHash);
    if (known === undefined && !this.#torrents.ready) return 'unknown';
    if (known === undefined && !this.#open) return 'not-served';
    return this.#keyFor === 'private' && known?.private && !holdsKey ? 'wrong-key' : 'admitted';
  }

  #holdsKey({ announceKey }: Admitted): boolean {
    return announceKey !== undefined && this.#keys.has(announceKey);
  }

  #limit({ address }: Admitted): void {
    const wait = this.#rateLimit?.take(address) ?? 0;
    if (wait > 0) throw new RefusedError('too-often', 'you ask too often', Math.ceil(wait / 1000));
  }
}
