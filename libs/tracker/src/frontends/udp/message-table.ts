import { AF_INET, AF_INET6, type Libc } from './libc.ts';

/** Bytes of `struct mmsghdr`, `struct iovec`, and of room for a `struct sockaddr_in6`. */
const MESSAGE = 64;
const VECTOR = 16;
const NAME = 32;
const NAME_V4 = 16;
const NAME_V6 = 28;

/** Where in `struct mmsghdr` there are, in words of 32 bits: msg_name, msg_namelen, msg_iov, msg_iovlen, msg_len. */
const WORDS = MESSAGE / 4;
const NAME_LENGTH = 2;
const LENGTH = 14;

/**
 * Packets in memory that the system reads and writes, so many places of so many bytes: made once, used again and again.
 * Little-endian, 64 bits.
 */
export class MessageTable {
  readonly #messages: Buffer;
  readonly #packets: Buffer;
  readonly #names: Buffer;
  readonly #messageWords: Uint32Array;
  readonly #vectors: Buffer;
  readonly #vectorWords: Uint32Array;
  readonly #width: number;
  readonly #views: Buffer[];

  constructor(libc: Libc, places: number, width: number) {
    this.#messages = memory(places * MESSAGE);
    this.#packets = memory(places * width);
    this.#names = memory(places * NAME);
    this.#vectors = memory(places * VECTOR);
    this.#messageWords = new Uint32Array(this.#messages.buffer);
    this.#vectorWords = new Uint32Array(this.#vectors.buffer);
    this.#width = width;
    this.#views = Array(places).fill(this.#packets);
    const [packets, names, vectors] = [this.#packets, this.#names, this.#vectors].map(libc.pointerTo);
    for (let place = 0; place < places; place++) {
      const message = place * MESSAGE;
      this.#messages.writeBigUInt64LE(names! + BigInt(place * NAME), message);
      this.#messages.writeBigUInt64LE(vectors! + BigInt(place * VECTOR), message + 16);
      this.#messages.writeBigUInt64LE(1n, message + 24);
      this.#vectors.writeBigUInt64LE(packets! + BigInt(place * width), place * VECTOR);
      this.#vectors.writeBigUInt64LE(BigInt(width), place * VECTOR + 8);
      this.clear(place);
    }
  }

  /** The `struct mmsghdr` of a place and of all after it. */
  from(place: number): Buffer {
    return place === 0 ? this.#messages : this.#messages.subarray(place * MESSAGE);
  }

  /** The packet that was received into a place; what was longer than the place is cut. */
  packet(place: number): Buffer {
    const length = this.#messageWords[place * WORDS + LENGTH]!;
    const last = this.#views[place]!;
    // Most packets are as long as the one that was there before.
    if (last.length === length) return last;
    const start = place * this.#width;
    const view = this.#packets.subarray(start, start + length);
    this.#views[place] = view;
    return view;
  }

  /** A copy. */
  address(place: number): Uint8Array {
    const at = place * NAME;
    const v4 = this.#names.readUInt16LE(at) === AF_INET;
    const bytes = new Uint8Array(v4 ? 4 : 16);
    const start = at + (v4 ? 4 : 8);
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.#names[start + i]!;
    return bytes;
  }

  port(place: number): number {
    return this.#names.readUInt16BE(place * NAME + 2);
  }

  /** Of a link-local address of IPv6: the number of the interface; 0 for any other. */
  scope(place: number): number {
    return this.#names.readUInt16LE(place * NAME) === AF_INET6
      ? this.#names.readUInt32LE(place * NAME + 24)
      : 0;
  }

  /** Has a place ready to be received into. */
  clear(place: number): void {
    this.#messageWords[place * WORDS + NAME_LENGTH] = NAME_V6;
  }

  /** Has a place ready to be sent. @param packet no longer than a place */
  fill(place: number, packet: Uint8Array, address: Uint8Array, port: number, scope: number): void {
    this.#packets.set(packet, place * this.#width);
    this.#vectorWords[place * 4 + 2] = packet.length;
    this.#messageWords[place * WORDS + NAME_LENGTH] = writeSocketAddress(
      this.#names,
      place * NAME,
      address,
      port,
      scope,
    );
  }
}

/** @returns its length */
export function writeSocketAddress(
  bytes: Buffer,
  at: number,
  address: Uint8Array,
  port: number,
  scope: number,
): number {
  const v4 = address.length === 4;
  bytes.writeUInt16LE(v4 ? AF_INET : AF_INET6, at);
  bytes.writeUInt16BE(port, at + 2);
  const start = at + (v4 ? 4 : 8);
  for (let i = 0; i < address.length; i++) bytes[start + i] = address[i]!;
  if (v4) return NAME_V4;
  bytes.writeUInt32LE(0, at + 4);
  bytes.writeUInt32LE(scope, at + 24);
  return NAME_V6;
}

/** Of its own, and not in the runtime's pool: it does not move. */
function memory(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}
