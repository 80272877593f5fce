/** The label of those that have none. */
export const NO_LABEL = 0;

/** What is known of a label is kept in 16 bits. */
const MAX_LABELS = 2 ** 16 - 1;
const MAX_LENGTH = 63;

/**
 * Names of zones and nodes as numbers, for as long as anybody has them. Of those too long and those beyond the bound
 * nothing is kept: who has one is near to nobody.
 */
export class Labels {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [''];
  readonly #holders: number[] = [0];
  readonly #free: number[] = [];

  get size(): number {
    return this.#numbers.size;
  }

  /** The number of a name, if anybody has it. */
  find(name: string): number {
    return name === '' ? NO_LABEL : (this.#numbers.get(name) ?? NO_LABEL);
  }

  name(label: number): string {
    return this.#names[label]!;
  }

  /** The number of a name, which one more has from now on. */
  take(name: string): number {
    if (name === '' || name.length > MAX_LENGTH) return NO_LABEL;
    let label = this.#numbers.get(name);
    if (label === undefined) {
      if (this.#numbers.size === MAX_LABELS) return NO_LABEL;
      label = this.#free.pop() ?? this.#names.length;
      this.#numbers.set(name, label);
      this.#names[label] = name;
      this.#holders[label] = 0;
    }
    this.#holders[label]!++;
    return label;
  }

  /** One who had it has it no more. */
  release(label: number): void {
    if (label === NO_LABEL || --this.#holders[label]! > 0) return;
    this.#numbers.delete(this.#names[label]!);
    this.#names[label] = '';
    this.#free.push(label);
  }
}
