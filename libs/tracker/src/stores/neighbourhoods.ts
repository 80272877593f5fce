import { type Labels, NO_LABEL } from './labels.ts';

/** What a neighbourhood has in common. */
export type Nearness = 'zone' | 'node';

const NO_SLOTS: readonly number[] = [];

const WORDS = 5;
const ZONE = 0;
const NODE = 1;
/** Where the slot stands in its neighbourhood. */
const AT = 2;
const PICKED = 4;

/**
 * Which of a table's peers run in the same zone and on the same node, by role: 20 bytes a slot of the table and a
 * number for each peer and label. Tables in which nobody has a label do without.
 */
export class Neighbourhoods {
  readonly #labels: Labels;
  readonly #slots = new Map<number, number[]>();
  #words: Uint32Array;
  #picks = 0;

  constructor(labels: Labels, capacity: number) {
    this.#labels = labels;
    this.#words = new Uint32Array(capacity * WORDS);
  }

  resize(capacity: number): void {
    const words = new Uint32Array(capacity * WORDS);
    words.set(this.#words.subarray(0, words.length));
    this.#words = words;
  }

  zone(slot: number): string {
    return this.#labels.name(this.#words[slot * WORDS + ZONE]!);
  }

  node(slot: number): string {
    return this.#labels.name(this.#words[slot * WORDS + NODE]!);
  }

  /** Slots of the peers of a role with a label, in no order; good until the next change. */
  find(nearness: Nearness, name: string, seed: boolean): readonly number[] {
    const kind = nearness === 'zone' ? ZONE : NODE;
    return this.#slots.get(keyOf(this.#labels.find(name), kind, seed)) ?? NO_SLOTS;
  }

  /** Gives a slot its labels, whatever it had before. */
  set(slot: number, zone: string, node: string, seed: boolean): void {
    this.#setOne(slot, ZONE, zone, seed);
    this.#setOne(slot, NODE, node, seed);
  }

  remove(slot: number, seed: boolean): void {
    this.set(slot, '', '', seed);
  }

  /** Takes what is known of a slot, of either role, to one that is free. */
  move(from: number, to: number, seed: boolean): void {
    const start = from * WORDS;
    for (let kind = ZONE; kind <= NODE; kind++) {
      const label = this.#words[start + kind]!;
      if (label !== NO_LABEL)
        this.#slots.get(keyOf(label, kind, seed))![this.#words[start + AT + kind]!] = to;
    }
    this.#words.copyWithin(to * WORDS, start, start + WORDS);
    this.#words.fill(0, start, start + WORDS);
  }

  /** Gives all labels of the first `count` slots back; nothing may be asked afterwards. */
  release(count: number): void {
    for (let slot = 0; slot < count; slot++) {
      this.#labels.release(this.#words[slot * WORDS + ZONE]!);
      this.#labels.release(this.#words[slot * WORDS + NODE]!);
    }
  }

  /** Forgets who has been picked. */
  startPicking(): void {
    this.#picks = (this.#picks + 1) >>> 0;
  }

  pick(slot: number): void {
    this.#words[slot * WORDS + PICKED] = this.#picks;
  }

  isPicked(slot: number): boolean {
    return this.#words[slot * WORDS + PICKED] === this.#picks;
  }

  #setOne(slot: number, kind: number, name: string, seed: boolean): void {
    const at = slot * WORDS + kind;
    const before = this.#words[at]!;
    if (before !== NO_LABEL) {
      if (this.#labels.find(name) === before) return;
      this.#leave(slot, kind, before, seed);
    }
    const label = this.#labels.take(name);
    this.#words[at] = label;
    if (label === NO_LABEL) return;
    const key = keyOf(label, kind, seed);
    let slots = this.#slots.get(key);
    if (slots === undefined) {
      slots = [];
      this.#slots.set(key, slots);
    }
    this.#words[at + AT] = slots.length;
    slots.push(slot);
  }

  #leave(slot: number, kind: number, label: number, seed: boolean): void {
    const key = keyOf(label, kind, seed);
    const slots = this.#slots.get(key)!;
    const last = slots.pop()!;
    if (last !== slot) {
      const gap = this.#words[slot * WORDS + AT + kind]!;
      slots[gap] = last;
      this.#words[last * WORDS + AT + kind] = gap;
    }
    if (slots.length === 0) this.#slots.delete(key);
    this.#labels.release(label);
  }
}

function keyOf(label: number, kind: number, seed: boolean): number {
  return label * 4 + kind * 2 + (seed ? 1 : 0);
}
