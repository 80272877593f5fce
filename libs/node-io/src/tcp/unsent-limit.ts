const IPPROTO_TCP = 6;
const TCP_NOTSENT_LOWAT = 25;

/** Bytes: at 1 Gbit/s half a millisecond, which is longer than a turn of the event loop that brings more. */
const UNSENT = 64 * 1024;

/** To be called with the descriptor of a connection. */
export type LimitUnsent = (fd: number) => void;

/**
 * Has the kernel take of a connection only what can be sent now, and a little more. Left to itself it takes megabytes
 * ahead: a tenth of a second on a fast line, behind which everything waits that somebody is in a hurry for.
 * @returns undefined where there is no such option, or no way to set it
 */
export async function loadUnsentLimit(): Promise<LimitUnsent | undefined> {
  if (process.platform !== 'linux') return undefined;
  try {
    const koffi = await import('koffi');
    // What the runtime itself is linked with: glibc or musl.
    const setsockopt = koffi
      .load(null)
      .func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)');
    const value = new Uint8Array(Uint32Array.of(UNSENT).buffer);
    return (fd) => setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, value, value.length);
  } catch {
    return undefined;
  }
}
