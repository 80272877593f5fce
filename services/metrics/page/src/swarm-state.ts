import type { NodeMessage, SwarmDetail, SwarmMessage } from '../messages.d.ts';
import { Flow } from './flow.ts';
import { byName } from './words.ts';

/** One node of the swarm that is shown. */
export interface NodeState {
  figures: NodeMessage;
  /** A bit for each piece that is shown, high bit first. */
  bits: Uint8Array;
  /** What it gets from whom. */
  readonly from: Map<string, Flow>;
}

/** What a message changed. */
export interface Changed {
  /** Which nodes there are, or of how many pieces. */
  readonly layout: boolean;
  /** Nodes whose pieces are others. */
  readonly pieces: ReadonlySet<NodeState>;
}

/** A swarm as the service has told it. */
export class SwarmState {
  readonly #byName = new Map<string, NodeState>();
  detail: SwarmDetail | undefined;
  /** By zone and name. */
  nodes: readonly NodeState[] = [];
  /** Copies of each piece that is shown. */
  copies = new Uint16Array(0);

  node(name: string): NodeState | undefined {
    return this.#byName.get(name);
  }

  /** @param now milliseconds */
  apply({ whole, swarm, nodes, gone }: SwarmMessage, now: number): Changed {
    const columns = swarm?.columns ?? 0;
    let layout = columns !== this.copies.length;
    if (layout) {
      this.#byName.clear();
      this.copies = new Uint16Array(columns);
    }
    this.detail = swarm ?? undefined;
    const pieces = new Set<NodeState>();
    const left = new Set(whole ? this.#byName.keys() : gone);
    for (const message of nodes) {
      left.delete(message.node);
      const before = this.#byName.get(message.node);
      if (before?.figures.zone !== message.zone) layout = true;
      if (this.#update(before, message, now)) pieces.add(this.#byName.get(message.node)!);
    }
    for (const name of left) {
      const node = this.#byName.get(name);
      if (node === undefined) continue;
      this.#count(node.bits, new Uint8Array(node.bits.length));
      this.#byName.delete(name);
      layout = true;
    }
    if (layout)
      this.nodes = [...this.#byName.values()].sort(
        ({ figures: a }, { figures: b }) => byName(a.zone, b.zone) || byName(a.node, b.node),
      );
    return { layout, pieces };
  }

  /** @returns whether its pieces are others */
  #update(before: NodeState | undefined, message: NodeMessage, now: number): boolean {
    const length = Math.ceil(this.copies.length / 8);
    const node = before ?? { figures: message, bits: new Uint8Array(length), from: new Map() };
    node.figures = message;
    this.#byName.set(message.node, node);
    for (const [peer, bytes] of message.from ?? []) {
      const flow = node.from.get(peer);
      if (flow === undefined) node.from.set(peer, new Flow(bytes, now));
      else flow.add(bytes, now);
    }
    if (message.pieces === undefined) return false;
    const bits = decoded(message.pieces, length);
    this.#count(node.bits, bits);
    node.bits = bits;
    return true;
  }

  #count(before: Uint8Array, after: Uint8Array): void {
    for (let byte = 0; byte < after.length; byte++) {
      const differ = before[byte]! ^ after[byte]!;
      if (differ === 0) continue;
      for (let bit = 0; bit < 8; bit++) {
        const mask = 0x80 >>> bit;
        if ((differ & mask) === 0) continue;
        const column = byte * 8 + bit;
        if (column < this.copies.length) this.copies[column]! += (after[byte]! & mask) === 0 ? -1 : 1;
      }
    }
  }
}

export function has(bits: Uint8Array, column: number): boolean {
  return (bits[column >>> 3]! & (0x80 >>> (column & 7))) !== 0;
}

function decoded(base64: string, length: number): Uint8Array {
  const text = atob(base64);
  const bytes = new Uint8Array(length);
  for (let n = 0; n < length; n++) bytes[n] = text.charCodeAt(n);
  return bytes;
}
