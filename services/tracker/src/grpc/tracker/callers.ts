import { StatusError } from '@pixtorrent/service-kit';
import { Networks } from '@pixtorrent/tracker';
import { parseIp } from '@pixtorrent/tracker-protocol';

/** Where a call comes from. */
export interface Caller {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  /** Whether it may name the address of the peer that it speaks of. */
  readonly trusted: boolean;
}

/** Says of each call where it comes from, and whether that counts among those who are trusted. */
export class Callers {
  readonly #trusted: Networks;

  /** @param trusted networks as `ADDRESS/BITS` */
  constructor(trusted: readonly string[]) {
    this.#trusted = new Networks(trusted);
  }

  /** @throws StatusError where the connection has no IP address */
  of(call: { getPeer(): string }): Caller {
    // Address and port, the former without brackets; a link-local one with its zone, which means nothing elsewhere.
    const address = parseIp(call.getPeer().replace(/:\d+$/, '').replace(/%.*$/, ''));
    if (address === undefined)
      throw new StatusError('FAILED_PRECONDITION', 'the connection has no IP address');
    return { address, trusted: this.#trusted.has(address) };
  }
}
