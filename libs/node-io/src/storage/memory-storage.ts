import { StorageError } from './errors.ts';
import { type ContentShape, Layout, type Segment } from './layout.ts';
import type { Storage } from './storage.ts';

/** A torrent's content in memory, for tests and small contents; it holds what `FileStorage` would. */
export class MemoryStorage implements Storage {
  readonly layout: Layout;
  /** The content; bytes that are not held are zeros. */
  readonly content: Uint8Array;
  #closed = false;

  /** @param selected file indexes; every file where left out */
  constructor(shape: ContentShape, selected?: ReadonlySet<number>) {
    this.layout = new Layout(shape, selected);
    this.content = new Uint8Array(shape.length);
  }

  holds(offset: number, length: number): boolean {
    return this.layout.holds(offset, length);
  }

  async read(offset: number, buffer: Uint8Array): Promise<void> {
    for (const { start, length } of this.#segments(offset, buffer.length)) {
      buffer.set(this.content.subarray(offset + start, offset + start + length), start);
    }
  }

  async write(offset: number, buffer: Uint8Array): Promise<void> {
    for (const { place, start, length } of this.#segments(offset, buffer.length)) {
      if (place.kind !== 'zeros') this.content.set(buffer.subarray(start, start + length), offset + start);
    }
  }

  async sync(): Promise<void> {
    this.#checkOpen();
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #segments(offset: number, length: number): Segment[] {
    const segments = this.layout.segments(offset, length);
    this.#checkOpen();
    if (segments.some((segment) => segment.place.kind === 'unselected')) {
      throw new StorageError('not-selected', '', `${length} bytes at ${offset} are not all selected`);
    }
    return segments;
  }

  #checkOpen(): void {
    if (this.#closed) throw new StorageError('closed', '', 'the storage has been closed');
  }
}
