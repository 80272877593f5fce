import { PixError } from '@pixtorrent/core';

export type BencodeErrorCode =
  /** The bytes end inside a value: more of them could still make it whole. Every other code is final. */
  | 'truncated'
  /** A whole value, and then more bytes. */
  | 'trailing-bytes'
  /** A byte that begins no value. */
  | 'unexpected-byte'
  /** No digits, a leading zero, a negative zero, or something else than digits. */
  | 'bad-integer'
  /** A string length with a leading zero, or with something else than digits. */
  | 'bad-length'
  /** A dictionary key that is not a byte string. */
  | 'bad-key'
  | 'unsorted-keys'
  | 'duplicate-key'
  | 'too-deep'
  | 'too-large'
  | 'too-many-items'
  | 'integer-too-long'
  | 'string-too-long';

/** Bytes that are not canonical bencode, or are more than the limits allow. */
export class BencodeError extends PixError<BencodeErrorCode> {
  /** Where in the bytes the fault stands, from 0; for `truncated` the number of bytes there are. */
  readonly offset: number;
  /** The message without the offset. */
  readonly reason: string;

  constructor(code: BencodeErrorCode, offset: number, reason: string) {
    super(code, `byte ${offset}: ${reason}`);
    this.offset = offset;
    this.reason = reason;
  }
}
