/** Message ids of BEP 3, BEP 6 (from `suggest` to `allowedFast`) and BEP 10. */
export const MessageId = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  suggest: 13,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  allowedFast: 17,
  extended: 20,
} as const;

/** Length and id. */
export const MESSAGE_HEADER = 5;
/** Id, piece and offset, as the length of a `piece` message counts them. */
export const PIECE_OVERHEAD = 9;
/** Id, piece, offset and length. */
export const RANGE_MESSAGE = 13;
