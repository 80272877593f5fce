import { peerId } from '@pixtorrent/core';
import { PeerTrait } from '@pixtorrent/tracker-protocol';
import type { MemberChange } from '../peer-store.ts';

/** Bytes of a change before its endpoint: kind, peer ID, traits, length of the endpoint. */
const HEAD = 23;

export interface DecodedChange {
  /** In compact form, read as latin1. */
  readonly endpoint: string;
  readonly change: MemberChange;
}

/** What is no change, whoever said it, ends it. */
export function* decodeChanges(bytes: Buffer): Generator<DecodedChange> {
  for (let at = 0; at + HEAD < bytes.length; ) {
    const length = bytes[at + HEAD - 1]!;
    const end = at + HEAD + length;
    const kind = bytes[at];
    if ((length !== 6 && length !== 18) || end > bytes.length || (kind !== 0x2b && kind !== 0x2d)) return;
    const traits = bytes[at + 21]!;
    const change: MemberChange = {
      type: kind === 0x2b ? 'joined' : 'left',
      peerId: peerId(bytes.subarray(at + 1, at + 21)),
      address: new Uint8Array(bytes.subarray(at + HEAD, end - 2)),
      port: bytes.readUInt16BE(end - 2),
      seed: (traits & PeerTrait.seed) !== 0,
      pixwire: (traits & PeerTrait.pixwire) !== 0,
    };
    yield { endpoint: bytes.toString('latin1', at + HEAD, end), change };
    at = end;
  }
}
