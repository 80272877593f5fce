import type { ExtensionHandshake, GoodbyeReason, WireName } from '@pixtorrent/peer-protocol';
import type { VirtualFrame } from './virtual-socket.ts';

/** The messages of a simulated connection; the numbers go into the trace. */
export const FrameKind = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  notInterested: 3,
  have: 4,
  bitfield: 5,
  request: 6,
  block: 7,
  cancel: 8,
  haveAll: 14,
  haveNone: 15,
  reject: 16,
  extensionHandshake: 20,
  extended: 21,
  goodbye: 22,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

type FramePayload =
  | Uint8Array
  | ExtensionHandshake
  | { readonly reason: GoodbyeReason; readonly text: string }
  | undefined;

/** Bytes before the payload of a block: type, length, piece and offset on either wire. */
const BLOCK_HEAD = 13;
/** About what the names and ids of our extensions take, bencoded. */
const EXTENSION_HANDSHAKE_SIZE = 160;

/** One message, as numbers; a block's payload is only its provenance. */
export class PeerFrame implements VirtualFrame {
  readonly kind: FrameKind;
  readonly size: number;
  readonly head: number;
  readonly piece: number;
  readonly offset: number;
  readonly length: number;
  readonly payload: FramePayload;
  /** Per 16 KiB of a block, from whom its content truly is; undefined where all of it is right. */
  readonly tags: Int32Array | undefined;

  constructor(
    wire: WireName,
    kind: FrameKind,
    piece = 0,
    offset = 0,
    length = 0,
    payload?: FramePayload,
    tags?: Int32Array,
  ) {
    this.kind = kind;
    this.piece = piece;
    this.offset = offset;
    this.length = length;
    this.payload = payload;
    this.tags = tags;
    this.size = frameSize(wire, kind, length, payload);
    this.head = kind === FrameKind.block ? BLOCK_HEAD : this.size;
  }
}

/** Bytes on the wire: PixWire has a head of type and length, BEP 3 the same five bytes in the other order. */
function frameSize(wire: WireName, kind: FrameKind, length: number, payload: FramePayload): number {
  switch (kind) {
    case FrameKind.block:
      return BLOCK_HEAD + length;
    case FrameKind.have:
      return 9;
    case FrameKind.request:
    case FrameKind.cancel:
    case FrameKind.reject:
      return 17;
    case FrameKind.bitfield:
      return 5 + (payload as Uint8Array).length;
    case FrameKind.interested:
      return wire === 'pixwire' ? 17 : 5;
    case FrameKind.extensionHandshake:
      return EXTENSION_HANDSHAKE_SIZE;
    case FrameKind.extended:
      return 6 + (payload as Uint8Array).length;
    case FrameKind.goodbye:
      return 6 + (payload as { text: string }).text.length;
    default:
      return 5;
  }
}
