import { parseIp, withoutPort } from '@pixtorrent/tracker-protocol';
import type { Networks } from './networks.ts';

/** How many proxies in a row are looked through. */
const MAX_PROXIES = 32;

/**
 * Where a request comes from: of the addresses that proxies wrote down, the last that is not a trusted proxy's. What
 * stands before that one anybody may have made up.
 * @param connection the address that the request came in from
 * @param forwarded addresses separated by commas, the nearest last
 */
export function originOf(connection: Uint8Array, forwarded: string, trusted: Networks): Uint8Array {
  if (forwarded === '' || !trusted.has(connection)) return connection;
  let origin = connection;
  for (const hop of forwarded.split(',').slice(-MAX_PROXIES).reverse()) {
    const address = parseIp(withoutPort(hop.trim()));
    if (address === undefined) break;
    origin = address;
    if (!trusted.has(address)) break;
  }
  return origin;
}
