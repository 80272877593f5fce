import type { FileEntry, Metainfo } from '@pixtorrent/metainfo';

/** Where a run of content bytes is kept. */
export type Place =
  /** In the file of that index (`Metainfo.files`). */
  | { readonly kind: 'file'; readonly file: number }
  /** In the side file of pieces that reach into files that were not selected. */
  | { readonly kind: 'parts' }
  /** Nowhere: padding, always zeros. */
  | { readonly kind: 'zeros' }
  /** Nowhere: in a file that was not selected. */
  | { readonly kind: 'unselected' };

/** A run of content bytes that is kept in one place. Bytes throughout. */
export interface Segment {
  readonly place: Place;
  /** Where it begins in its file. */
  readonly position: number;
  /** Where it begins in the range asked for. */
  readonly start: number;
  readonly length: number;
}

/** What of a torrent says where its bytes are. */
export type ContentShape = Pick<Metainfo, 'files' | 'pieceLength' | 'length'>;

const PARTS: Place = { kind: 'parts' };
const ZEROS: Place = { kind: 'zeros' };
const UNSELECTED: Place = { kind: 'unselected' };

/**
 * Maps the content's single run of bytes to the files that keep it.
 *
 * A piece may reach from a selected file into one that is not. The foreign part is needed to verify the piece, so it
 * is kept in a side file: the pieces that touch several files are numbered in order, and number k has the bytes from
 * `k * pieceLength` there, whatever is selected.
 */
export class Layout {
  readonly shape: ContentShape;
  /** Whether the file of that index is kept: selected, and not padding. */
  readonly kept: readonly boolean[];
  /** Bytes that the side file may grow to; 0 where no piece needs one. */
  readonly partsLength: number;
  /** The files that have bytes, in the order of the content; empty ones never take part in a range. */
  readonly #runs: readonly number[];
  readonly #places: readonly Place[];
  /** The pieces whose foreign bytes are in the side file, and their number there. */
  readonly #foreign = new Map<number, number>();

  /** @param selected file indexes; every file where left out */
  constructor(shape: ContentShape, selected?: ReadonlySet<number>) {
    this.shape = shape;
    const { files, pieceLength } = shape;
    this.kept = files.map((file, index) => !file.padding && (selected === undefined || selected.has(index)));
    this.#runs = files.flatMap((file, index) => (file.length > 0 ? [index] : []));
    this.#places = files.map((file, index) => {
      if (file.padding) return ZEROS;
      return this.kept[index] ? { kind: 'file', file: index } : UNSELECTED;
    });
    let last = -1;
    sharedPieces(files, pieceLength).forEach((piece, number) => {
      if (!this.#isForeign(piece)) return;
      this.#foreign.set(piece, number);
      last = number;
    });
    this.partsLength = (last + 1) * pieceLength;
  }

  /**
   * The runs of a range, in order and without gaps.
   * @throws RangeError for a range outside the content
   */
  segments(offset: number, length: number): Segment[] {
    const { files } = this.shape;
    if (!(offset >= 0 && length >= 0 && offset + length <= this.shape.length)) {
      throw new RangeError(`${length} bytes at ${offset} of ${this.shape.length}`);
    }
    const segments: Segment[] = [];
    let run = this.#runAt(offset);
    let at = offset;
    const end = offset + length;
    while (at < end) {
      const index = this.#runs[run++]!;
      const file = files[index]!;
      const until = Math.min(end, file.offset + file.length);
      const place = this.#places[index]!;
      if (place.kind === 'unselected') this.#pushForeign(segments, at, until, offset);
      else segments.push({ place, position: at - file.offset, start: at - offset, length: until - at });
      at = until;
    }
    return segments;
  }

  /** Whether every byte of the range is kept somewhere, or is padding. */
  holds(offset: number, length: number): boolean {
    return this.segments(offset, length).every((segment) => segment.place.kind !== 'unselected');
  }

  /** The kept files that a range touches. */
  filesOf(offset: number, length: number): number[] {
    return this.segments(offset, length).flatMap(({ place }) => (place.kind === 'file' ? [place.file] : []));
  }

  /** A run within a file that is not selected: its first and its last piece may be shared, those between are not. */
  #pushForeign(segments: Segment[], from: number, until: number, base: number): void {
    const { pieceLength } = this.shape;
    for (let at = from; at < until; ) {
      const piece = Math.floor(at / pieceLength);
      const end = Math.min(until, (piece + 1) * pieceLength);
      const number = this.#foreign.get(piece);
      const place = number === undefined ? UNSELECTED : PARTS;
      const position = number === undefined ? 0 : number * pieceLength + (at - piece * pieceLength);
      segments.push({ place, position, start: at - base, length: end - at });
      at = end;
    }
  }

  /** Whether a piece holds bytes of a kept file and of one that is not. */
  #isForeign(piece: number): boolean {
    const { files, pieceLength, length } = this.shape;
    const end = Math.min(length, (piece + 1) * pieceLength);
    let kept = false;
    let other = false;
    for (let run = this.#runAt(piece * pieceLength); run < this.#runs.length; run++) {
      const index = this.#runs[run]!;
      if (files[index]!.offset >= end) break;
      if (this.kept[index]) kept = true;
      else if (!files[index]!.padding) other = true;
    }
    return kept && other;
  }

  /** The run that a content offset lies in. */
  #runAt(offset: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.shape.files[this.#runs[middle]!]!.offset <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** The pieces that touch several stored files, ascending. */
function sharedPieces(all: readonly FileEntry[], pieceLength: number): number[] {
  const files = all.filter((file) => file.length > 0 && !file.padding);
  const shared: number[] = [];
  for (let next = 1; next < files.length; next++) {
    const before = files[next - 1]!;
    const last = Math.floor((before.offset + before.length - 1) / pieceLength);
    const first = Math.floor(files[next]!.offset / pieceLength);
    if (last === first && shared.at(-1) !== last) shared.push(last);
  }
  return shared;
}
