/** Which pieces each pixel of a line stands for, and which pixels are gaps between pieces. */
export class Columns {
  readonly pieces: number;
  /** Pixels of the screen. */
  readonly width: number;
  /** By pixel: the first piece; the next entry is the end. */
  readonly #starts: Uint32Array;
  /** Pixels of a gap at the end of each piece; 0 where pieces are too narrow for one. */
  readonly #gap: number;

  constructor(pieces: number, width: number, scale: number) {
    this.pieces = pieces;
    this.width = width;
    this.#starts = Uint32Array.from({ length: width + 1 }, (_, x) => Math.floor((x * pieces) / width));
    this.#gap = width / pieces >= 5 * scale ? Math.max(1, Math.round(scale)) : 0;
  }

  start(x: number): number {
    return this.#starts[x]!;
  }

  /** Beyond the last piece of a pixel. */
  end(x: number): number {
    return Math.max(this.#starts[x]! + 1, this.#starts[x + 1]!);
  }

  isGap(x: number): boolean {
    return this.#gap > 0 && x + this.#gap < this.width && this.#starts[x + this.#gap]! > this.#starts[x]!;
  }
}
