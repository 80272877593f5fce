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
  /** Whether a range can be kept here: false where it falls on files that were not selected. */
  holds(offset: number, length: number): boolean;
  /** Waits until what was written before the call survives a loss of power. @throws StorageError */
  sync(): Promise<void>;
  /** Waits for what is in flight, and lets go of the files. Later calls fail with `closed`. */
  close(): Promise<void>;
}
