import { getSystemErrorName } from 'node:util';

/** What of the C library takes and gives many packets with one call. A number below 0 is a failure: `errno` says which. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number;
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, length: number): number;
  bind(fd: number, address: Uint8Array, length: number): number;
  close(fd: number): number;
  recvmmsg(fd: number, messages: Uint8Array, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Uint8Array, count: number, flags: number): number;
  /** 0 for none of that name. */
  if_nametoindex(name: string): number;
  errno(): number;
  /** Where memory is. It stays there as long as something here refers to it. */
  pointerTo(memory: Uint8Array): bigint;
}

/** Whose structures are laid out as `MessageTable` writes them, and whose constants are those below. */
const ARCHITECTURES = ['x64', 'arm64'];

export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;
export const MSG_DONTWAIT = 0x40;
export const EINTR = 4;
const EBADF = 9;
export const EAGAIN = 11;
export const ENOBUFS = 105;

/** @returns undefined where there is none, or no way to call it */
export async function loadLibc(): Promise<Libc | undefined> {
  if (process.platform !== 'linux' || !ARCHITECTURES.includes(process.arch)) return undefined;
  try {
    const koffi = await import('koffi');
    // What the runtime itself is linked with: glibc or musl.
    const library = koffi.load(null);
    const libc: Libc = {
      socket: library.func('int socket(int family, int type, int protocol)'),
      setsockopt: library.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
      bind: library.func('int bind(int fd, void *address, uint32_t length)'),
      close: library.func('int close(int fd)'),
      recvmmsg: library.func(
        'int recvmmsg(int fd, void *messages, uint32_t count, int flags, void *timeout)',
      ),
      sendmmsg: library.func('int sendmmsg(int fd, void *messages, uint32_t count, int flags)'),
      if_nametoindex: library.func('uint32_t if_nametoindex(const char *name)'),
      errno: () => koffi.errno(),
      pointerTo: (memory) => koffi.address(memory),
    };
    return isPermitted(libc) ? libc : undefined;
  } catch {
    return undefined;
  }
}

/** A sandbox may know fewer calls than Linux has. */
function isPermitted(libc: Libc): boolean {
  const nothing = new Uint8Array(64);
  return [libc.recvmmsg(-1, nothing, 1, MSG_DONTWAIT, null), libc.sendmmsg(-1, nothing, 1, 0)].every(
    (result) => result < 0 && libc.errno() === EBADF,
  );
}

/** The error of a call that failed, as the runtime's own look. */
export function systemError(libc: Libc, syscall: string): Error {
  const errno = -libc.errno();
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}
