import { IPV4_LENGTH, IPV6_LENGTH, type PackedPeers } from '@pixtorrent/tracker-protocol';

/** Answers that are remembered; each has at most some hundred peers. */
const MAX_ANSWERS = 4;

/** The peers that one asker was given last. Kept packed: most never ask for others. */
export class HandedOut {
  #answers: Pick<PackedPeers, 'v4' | 'v6'>[] = [];

  add({ v4, v6 }: PackedPeers): void {
    if (v4.length + v6.length === 0) return;
    if (this.#answers.length === MAX_ANSWERS) this.#answers.shift();
    // Copied: they may be parts of something larger.
    this.#answers.push({ v4: Uint8Array.from(v4), v6: Uint8Array.from(v6) });
  }

  /** Endpoints in compact form, read as latin1. */
  endpoints(): Set<string> {
    const endpoints = new Set<string>();
    for (const { v4, v6 } of this.#answers) {
      addAll(v4, IPV4_LENGTH + 2, endpoints);
      addAll(v6, IPV6_LENGTH + 2, endpoints);
    }
    return endpoints;
  }
}

function addAll(packed: Uint8Array, stride: number, into: Set<string>): void {
  const text = Buffer.from(packed.buffer, packed.byteOffset, packed.length).toString('latin1');
  for (let at = 0; at + stride <= text.length; at += stride) into.add(text.slice(at, at + stride));
}
