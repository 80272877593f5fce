import { randomBytes } from 'node:crypto';
import type { ByteRange } from './byte-ranges.ts';

/** Several ranges as one body, `multipart/byteranges` (RFC 9110 14.6). */
export class Multipart {
  readonly contentType: string;
  /** Bytes of the whole body. */
  readonly length: number;
  readonly #ranges: readonly ByteRange[];
  readonly #headers: readonly Buffer[];
  readonly #close: Buffer;

  /** @param partType the type of what is read @param whole its bytes */
  constructor(ranges: readonly ByteRange[], partType: string, whole: number) {
    const boundary = randomBytes(18).toString('hex');
    this.contentType = `multipart/byteranges; boundary=${boundary}`;
    this.#ranges = ranges;
    this.#headers = ranges.map(({ start, end }) =>
      Buffer.from(
        `\r\n--${boundary}\r\nContent-Type: ${partType}\r\nContent-Range: ${contentRange({ start, end }, whole)}\r\n\r\n`,
      ),
    );
    this.#close = Buffer.from(`\r\n--${boundary}--\r\n`);
    this.length =
      this.#headers.reduce((sum, header) => sum + header.length, this.#close.length) +
      ranges.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** @param read gives the bytes of a range */
  async *chunks(
    read: (range: ByteRange) => AsyncIterable<Uint8Array>,
  ): AsyncGenerator<Uint8Array, void, void> {
    for (const [at, range] of this.#ranges.entries()) {
      yield this.#headers[at]!;
      yield* read(range);
    }
    yield this.#close;
  }
}

export function contentRange({ start, end }: ByteRange, whole: number): string {
  return `bytes ${start}-${end - 1}/${whole}`;
}
