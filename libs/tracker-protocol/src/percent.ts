const HEX = '0123456789ABCDEF';
const ESCAPES = Array.from({ length: 256 }, (_, byte) =>
  isUnreserved(byte) ? String.fromCharCode(byte) : `%${HEX[byte >>> 4]}${HEX[byte & 15]}`,
);

/** By character code; -1, which spoils whatever it is joined with, for what is no hexadecimal digit. */
const HEX_VALUES = Int8Array.from({ length: 256 }, (_, code) => {
  const value = Number.parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

/** Bytes as a URL's query carries them: everything outside RFC 3986's unreserved characters as `%XX`. */
export function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += ESCAPES[bytes[i]!];
  return text;
}

/**
 * The bytes behind `text` from `start` to `end`, written to `into`. A byte that is not escaped stands for itself; `+` is
 * a plus.
 * @returns how many bytes were written, or -1 where an escape is broken or `into` is full
 */
export function percentDecode(text: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let length = 0;
  for (let i = start; i < end; i++) {
    let byte = text[i]!;
    if (byte === 0x25) {
      if (i + 2 >= end) return -1;
      byte = (HEX_VALUES[text[i + 1]!]! << 4) | HEX_VALUES[text[i + 2]!]!;
      if (byte < 0) return -1;
      i += 2;
    }
    if (length === into.length) return -1;
    into[length++] = byte;
  }
  return length;
}

function isUnreserved(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x2d ||
    byte === 0x2e ||
    byte === 0x5f ||
    byte === 0x7e
  );
}
