import type { Clock } from '@pixtorrent/core';

const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;

/** Bytes that the kernel may take of a connection beyond what is on its way. */
const LEAST = 32 * 1024;
const MOST = 4 * 1024 * 1024;
/** Milliseconds of the connection's rate, where that is more: so long may a turn of the event loop take that brings more. */
const TIME = 1;
/** Milliseconds over which the rate is taken. */
const SPAN = 50;

/** Sets the limit of the connection with that descriptor, in bytes. */
export type SetUnsent = (fd: number, bytes: number) => void;

/** @returns undefined where there is no such option, or no way to set it */
export async function loadSetUnsent(): Promise<SetUnsent | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi = await import('koffi');
    // What the runtime itself is linked with: glibc or musl.
    const setsockopt = koffi
      .load(null)
      .func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)');
    const value = new Uint32Array(1);
    return (fd, bytes) => {
      value[0] = bytes;
      setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, value, value.byteLength);
    };
  } catch {
    return undefined;
  }
}

/**
 * Has the kernel take of a connection only what can be sent soon. Left to itself it takes megabytes ahead: a tenth of a
 * second on a fast line, behind which everything waits that somebody is in a hurry for.
 */
export class UnsentLimit {
  readonly #set: (bytes: number) => void;
  readonly #clock: Clock;
  #limit = LEAST;
  #since: number;
  #bytes = 0;

  constructor(set: (bytes: number) => void, clock: Clock) {
    this.#set = set;
    this.#clock = clock;
    this.#since = clock.now();
    set(LEAST);
  }

  /** The kernel has taken so many bytes. */
  taken(bytes: number): void {
    this.#bytes += bytes;
    const elapsed = this.#clock.now() - this.#since;
    if (elapsed < SPAN) return;
    const wanted = Math.min(MOST, Math.max(LEAST, (this.#bytes / elapsed) * TIME));
    // The next power of two, so that it is not set all the time.
    const limit = 2 ** Math.ceil(Math.log2(wanted));
    if (limit !== this.#limit) this.#set(limit);
    this.#limit = limit;
    this.#since += elapsed;
    this.#bytes = 0;
  }
}
