import { type Endpoint, toHex } from '@pixtorrent/core';
import type { BanCause } from '../ports.ts';

/** Peers remembered; the one that was longest without an event is forgotten first. */
const MAX_RECORDS = 4096;
/** Broken rules, or times in a row of owing data without giving any, before a peer is banned. */
const MAX_PROTOCOL_ERRORS = 3;
const MAX_STALLS = 6;
/** How long a ban for errors and stalls lasts, milliseconds; one for bad data lasts as long as the process. */
const BAN_TIME = 3_600_000;

interface Record {
  readonly serial: number;
  protocolErrors: number;
  stalls: number;
  bannedUntil: number;
}

/**
 * What names a peer across its connections: its address, which it cannot choose as freely as its ID. On loopback
 * all share one address, so there it is the ID.
 */
export function reputationKey(endpoint: Endpoint, peerId: Uint8Array): string {
  const { host } = endpoint;
  return host.startsWith('127.') || host === '::1' ? toHex(peerId) : host;
}

/** What is remembered of peers beyond their connections, and who is banned. */
export class Reputation {
  readonly #records = new Map<string, Record>();
  readonly #keys = new Map<number, string>();
  #nextSerial = 0;

  /** The number that stands for a peer in the books of who gave which block. */
  serial(key: string): number {
    return this.#touch(key).serial;
  }

  keyOf(serial: number): string | undefined {
    return this.#keys.get(serial);
  }

  isBanned(key: string, now: number): boolean {
    const record = this.#records.get(key);
    return record !== undefined && record.bannedUntil > now;
  }

  /**
   * It sent data whose hash is wrong, and nobody else can have been it.
   * @returns undefined where it was banned for that before
   */
  badPiece(key: string): BanCause | undefined {
    const record = this.#touch(key);
    if (record.bannedUntil === Number.POSITIVE_INFINITY) return undefined;
    record.bannedUntil = Number.POSITIVE_INFINITY;
    return 'bad-piece';
  }

  /** @returns the cause where the peer is banned by this */
  protocolError(key: string, now: number): BanCause | undefined {
    const record = this.#touch(key);
    if (++record.protocolErrors < MAX_PROTOCOL_ERRORS) return undefined;
    record.protocolErrors = 0;
    record.bannedUntil = Math.max(record.bannedUntil, now + BAN_TIME);
    return 'protocol-error';
  }

  /** @returns the cause where the peer is banned by this */
  stall(key: string, now: number): BanCause | undefined {
    const record = this.#touch(key);
    if (++record.stalls < MAX_STALLS) return undefined;
    record.stalls = 0;
    record.bannedUntil = Math.max(record.bannedUntil, now + BAN_TIME);
    return 'stalls';
  }

  /** It gave data that it owed: slow, but no liar. */
  gave(key: string): void {
    this.#touch(key).stalls = 0;
  }

  #touch(key: string): Record {
    let record = this.#records.get(key);
    if (record) this.#records.delete(key);
    else {
      if (this.#records.size >= MAX_RECORDS) this.#forgetOldest();
      record = {
        serial: this.#nextSerial++,
        protocolErrors: 0,
        stalls: 0,
        bannedUntil: Number.NEGATIVE_INFINITY,
      };
      this.#keys.set(record.serial, key);
    }
    this.#records.set(key, record);
    return record;
  }

  /** Bans are kept where there is anything else to forget. */
  #forgetOldest(): void {
    let victim: string | undefined;
    for (const [key, record] of this.#records) {
      victim ??= key;
      if (record.bannedUntil === Number.NEGATIVE_INFINITY) {
        victim = key;
        break;
      }
    }
    if (victim === undefined) return;
    this.#keys.delete(this.#records.get(victim)!.serial);
    this.#records.delete(victim);
  }
}
