import { IPV4_LENGTH, type ScrapeEntry } from '@pixtorrent/tracker-protocol';
import type { PeerTable } from './peer-table.ts';

const MINUTE = 60_000;

/** What a memory store keeps of one swarm. Times are the store's whole milliseconds. */
export class Swarm {
  /** The info hash, read as latin1. */
  readonly key: string;
  firstSeen: number;
  v4: PeerTable | undefined;
  v6: PeerTable | undefined;
  completed = 0;
  /** No peer is due before. */
  soonest: number;
  /** When nobody is left in it. */
  expires = 0;
  /** Somebody wants to hear of its changes. */
  watched: boolean;
  /** Announces of the minute that goes on, and of the one before. */
  #minute = 0;
  #announces = 0;
  #announcesBefore = 0;

  constructor(key: string, firstSeen: number, soonest: number, watched: boolean) {
    this.key = key;
    this.firstSeen = firstSeen;
    this.soonest = soonest;
    this.watched = watched;
  }

  table(addressLength: number): PeerTable | undefined {
    return addressLength === IPV4_LENGTH ? this.v4 : this.v6;
  }

  setTable(addressLength: number, table: PeerTable): void {
    if (addressLength === IPV4_LENGTH) this.v4 = table;
    else this.v6 = table;
  }

  get leechers(): number {
    return (this.v4?.leechers ?? 0) + (this.v6?.leechers ?? 0);
  }

  get seeders(): number {
    return (this.v4?.count ?? 0) + (this.v6?.count ?? 0) - this.leechers;
  }

  get counts(): ScrapeEntry {
    const { seeders, leechers, completed } = this;
    return { seeders, leechers, completed };
  }

  get leftDistribution(): number[] {
    const sums: number[] = [];
    this.v4?.addMagnitudes(sums);
    this.v6?.addMagnitudes(sums);
    return sums;
  }

  countAnnounce(now: number): void {
    this.#turn(now);
    this.#announces++;
  }

  /** Announces a second, over the last minute, those of the minute before taken as evenly spread. */
  announceRate(now: number): number {
    this.#turn(now);
    const before = 1 - (now % MINUTE) / MINUTE;
    return (this.#announces + this.#announcesBefore * before) / 60;
  }

  #turn(now: number): void {
    const minute = Math.floor(now / MINUTE);
    if (minute === this.#minute) return;
    this.#announcesBefore = minute === this.#minute + 1 ? this.#announces : 0;
    this.#announces = 0;
    this.#minute = minute;
  }
}
