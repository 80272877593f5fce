import { lookup } from 'node:dns/promises';
import { openBatched } from './batched-datagrams.ts';
import type { Binding, Datagrams, OpenDatagrams } from './datagrams.ts';
import { loadLibc } from './libc.ts';
import { openSingle } from './single-datagrams.ts';

/** How often a port that one family gave is tried with the other. */
const MAX_TRIES = 5;
/** A machine without IPv6 has every address all the same. */
const NO_IPV6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EPROTONOSUPPORT'];

/** Packets in batches where that can be done, else one by one. */
export async function fastestDatagrams(): Promise<OpenDatagrams> {
  const libc = await loadLibc();
  return libc === undefined ? openSingle : openBatched(libc);
}

/**
 * Binds to `host`, or to every address of both families where it is missing.
 * @throws the system's error, `EADDRINUSE` for one
 */
export async function openSockets(
  open: OpenDatagrams,
  host: string | undefined,
  port: number,
  heard: Pick<Binding, 'receive' | 'failed'>,
): Promise<Datagrams[]> {
  if (host !== undefined) {
    const { address, family } = await lookup(host);
    return [await open({ address, family: family === 6 ? 6 : 4, port, ...heard })];
  }
  for (let tries = 1; ; tries++) {
    const ipv4 = await open({ address: '0.0.0.0', family: 4, port, ...heard });
    try {
      return [ipv4, await open({ address: '::', family: 6, port: ipv4.port, ...heard })];
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NO_IPV6.includes(code)) return [ipv4];
      ipv4.close();
      if (port !== 0 || code !== 'EADDRINUSE' || tries === MAX_TRIES) throw error;
    }
  }
}
