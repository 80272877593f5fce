/** The layout that both sides of the UDP tracker protocol share (BEP 15). Integers are big-endian. */
export const UdpAction = { connect: 0, announce: 1, scrape: 2, error: 3 } as const;

/** Marks a connect request. */
export const UDP_MAGIC = 0x41727101980n;

/** Bytes of an announce request; options of BEP 41 may follow it. */
export const UDP_ANNOUNCE_LENGTH = 98;
/** The options behind an announce (BEP 41). */
export const UdpOption = { end: 0, nothing: 1, urlData: 2 } as const;
/** Bytes of a URL that are sent and read. */
export const UDP_MAX_URL = 1024;
/** Torrents that one scrape names at the most. */
export const UDP_MAX_SCRAPE = 74;

/** The events by their number on the wire. */
export const UDP_EVENTS = [undefined, 'completed', 'started', 'stopped'] as const;

/** A 64-bit number that the tracker gave: it shows that the asker's address is not forged. */
export type ConnectionId = bigint;

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
