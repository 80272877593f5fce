/** What `decode` gives: an integer (bigint only where a number would lose digits), a byte string, a list, a dictionary. */
export type BencodeValue = number | bigint | Uint8Array | BencodeValue[] | Dictionary;

/**
 * A decoded dictionary, in the order of the bytes. A key's characters are its raw bytes (latin1), so that no two
 * keys become one and comparing strings compares bytes.
 *
 * The typed getters give undefined both where the key is missing and where its value is of another type; use `get`
 * where that difference matters.
 */
export class Dictionary extends Map<string, BencodeValue> {
  /** Where its first byte (`d`) stands in the decoded bytes. */
  start = 0;
  /** One past its last byte (`e`): `bytes.subarray(start, end)` is the dictionary as it was written. */
  end = 0;

  /** An integer that a number holds exactly. */
  integer(key: string): number | undefined {
    const value = this.get(key);
    return typeof value === 'number' ? value : undefined;
  }

  /** A byte string: a view of the decoded bytes, not a copy. */
  bytes(key: string): Uint8Array | undefined {
    const value = this.get(key);
    return value instanceof Uint8Array ? value : undefined;
  }

  /** A byte string as UTF-8 text; a malformed sequence shows as U+FFFD. Foreign text: pass it to `printable` before showing it. */
  text(key: string): string | undefined {
    const value = this.bytes(key);
    return value && Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  }

  list(key: string): readonly BencodeValue[] | undefined {
    const value = this.get(key);
    return Array.isArray(value) ? value : undefined;
  }

  dictionary(key: string): Dictionary | undefined {
    const value = this.get(key);
    return value instanceof Dictionary ? value : undefined;
  }
}
