/** Frame types of PixWire (docs/protocol/pixwire.md). */
export const FrameType = {
  interested: 0x01,
  requestPiece: 0x02,
  sendPiece: 0x03,
  have: 0x04,
  bitfield: 0x05,
  choke: 0x06,
  unchoke: 0x07,
  notInterested: 0x08,
  cancel: 0x09,
  reject: 0x0a,
  haveAll: 0x0b,
  haveNone: 0x0c,
  ping: 0x0d,
  pong: 0x0e,
  extension: 0x0f,
  goodbye: 0x10,
} as const;

/** Type and length. */
export const FRAME_HEADER = 5;
/** Piece and offset before the data of SendPiece. */
export const BLOCK_HEADER = 8;
/** Piece, offset and length. */
export const RANGE_LENGTH = 12;
export const PING_LENGTH = 8;
/** Reason and text of a Goodbye. */
export const MAX_GOODBYE = 1_024;
