import type { WriteTarget } from '../hashing/hash-worker.ts';

/** What a torrent's content is kept in. Offsets are bytes in the content's single run of bytes. */
export interface Storage {
  /**
   * Fills `buffer` with the content at `offset`. Padding reads as zeros.
   * @throws StorageError; a part of the buffer may have been written to
   */
  read(offset: number, buffer: Uint8Array): Promise<void>;
  /**
   * Stores `buffer` at `offset`; bytes that fall on padding are dropped. The buffer must not change until then.
   * @throws StorageError; a part of it may have been stored
   */
  write(offset: number, buffer: Uint8Array): Promise<void>;
  /**
   * Has `work` write the range to the open file that all of it lies in, padding aside.
   * @returns undefined where there is no such file: then `write` is the way
   * @throws StorageError; an error of `work` that has the system's code is turned into one
   */
  writeDirectly?<T>(
    offset: number,
    length: number,
    work: (target: WriteTarget) => Promise<T>,
  ): Promise<T> | undefined;
  /** Whether a range can be kept here: false where it falls on files that were not selected. */
  holds(offset: number, length: number): boolean;
  /** Waits until what was written before the call survives a loss of power. @throws StorageError */
  sync(): Promise<void>;
  /** Waits for what is in flight, and lets go of the files. Later calls fail with `closed`. */
  close(): Promise<void>;
}
