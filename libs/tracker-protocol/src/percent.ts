const HEX = '0123456789ABCDEF';
const ESCAPES = Array.from({ length: 256 }, (_, byte) =>
  isUnreserved(byte) ? String.fromCharCode(byte) : `%${HEX[byte >>> 4]}${HEX[byte & 15]}`,
);

/** Bytes as a URL's query carries them: everything outside RFC 3986's unreserved characters as `%XX`. */
export function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) text += ESCAPES[bytes[i]!];
  return text;
}

/**
 * The bytes behind `text` from `start` to `end`, written to `into`. A character below 256 that is not escaped
 * stands for its own byte; `+` is a plus.
 * @returns how many bytes were written, or -1 where an escape is broken, a character is no byte, or `into` is full
 */
export function percentDecode(text: string, start: number, end: number, into: Uint8Array): number {
  let length = 0;
  for (let i = start; i < end; i++) {
    let byte = text.charCodeAt(i);
    if (byte === 0x25) {
      if (i + 2 >= end) return -1;
      const high = hexDigit(text.charCodeAt(i + 1));
      const low = hexDigit(text.charCodeAt(i + 2));
      if (high < 0 || low < 0) return -1;
      byte = (high << 4) | low;
      i += 2;
    }
    if (byte > 0xff || length === into.length) return -1;
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

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
