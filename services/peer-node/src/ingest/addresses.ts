import { BlockList, isIP, isIPv6 } from 'node:net';

/**
 * Addresses that are not on the public internet (RFC 6890 and its successors): a URL that leads there would have this
 * node ask, on behalf of a stranger, what only it can reach.
 */
const INTERNAL = new BlockList();
for (const [address, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  INTERNAL.addSubnet(address, bits, 'ipv4');
/** Of IPv6 only 2000::/3 is public, and of that not these. */
const PUBLIC_V6 = new BlockList();
PUBLIC_V6.addSubnet('2000::', 3, 'ipv6');
for (const [address, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4: an IPv4 address within, which may be internal.
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  INTERNAL.addSubnet(address, bits, 'ipv6');

export function isInternal(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return isInternal(mapped);
  if (isIPv6(address)) return !PUBLIC_V6.check(address, 'ipv6') || INTERNAL.check(address, 'ipv6');
  return isIP(address) === 0 || INTERNAL.check(address, 'ipv4');
}

/** Hosts that may be reached although their addresses are internal. */
export class AllowedHosts {
  readonly #names = new Set<string>();
  readonly #domains: string[] = [];
  readonly #networks = new BlockList();

  /** @param allowed `host`, `.domain` for all below it, or a network as `ADDRESS/BITS` */
  constructor(allowed: readonly string[]) {
    for (const entry of allowed) {
      const [address, bits] = entry.split('/');
      if (bits !== undefined)
        this.#networks.addSubnet(address!, Number(bits), isIPv6(address!) ? 'ipv6' : 'ipv4');
      else if (entry.startsWith('.')) this.#domains.push(entry.toLowerCase());
      else this.#names.add(entry.toLowerCase());
    }
  }

  /** @param host as a URL names it @param address that it stands for */
  has(host: string, address: string): boolean {
    const name = host.toLowerCase().replace(/\.$/, '');
    if (this.#names.has(name) || this.#domains.some((domain) => name.endsWith(domain))) return true;
    return this.#networks.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}
