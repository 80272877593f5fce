/** Bytes of an IPv4 and of an IPv6 address. */
export const IPV4_LENGTH = 4;
export const IPV6_LENGTH = 16;

/**
 * An address from its text form (RFC 4291). An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) is the IPv4 address
 * that it carries, so that one host has one form. Zones (`%eth0`) are refused.
 * @returns 4 or 16 bytes, or undefined where `text` is no address
 */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  return text.includes(':') ? unmapped(parseIpv6(text)) : parseIpv4(text);
}

/** The address of `192.0.2.1:6881` and `[2001:db8::1]:6881`; what is of neither form, a bare address say, as it is. */
export function withoutPort(endpoint: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(endpoint) ?? [];
  return bracketed ?? plain ?? endpoint;
}

/** The text form of 4 or 16 bytes at `offset`; IPv6 as RFC 5952 wants it, IPv4-mapped as IPv4. */
export function formatIp(bytes: Uint8Array, offset: number, length: 4 | 16): string {
  if (length === IPV6_LENGTH && isMapped(bytes, offset)) return formatIp(bytes, offset + 12, IPV4_LENGTH);
  if (length === IPV4_LENGTH)
    return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;

  let runStart = -1;
  let runLength = 1;
  for (let i = 0; i < 8; i++) {
    let j = i;
    while (j < 8 && group(bytes, offset, j) === 0) j++;
    if (j - i > runLength) {
      runStart = i;
      runLength = j - i;
    }
    i = Math.max(i, j);
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === runStart) {
      text += '::';
      i += runLength - 1;
      continue;
    }
    if (text !== '' && !text.endsWith('::')) text += ':';
    text += group(bytes, offset, i).toString(16);
  }
  return text;
}

function group(bytes: Uint8Array, offset: number, index: number): number {
  return (bytes[offset + index * 2]! << 8) | bytes[offset + index * 2 + 1]!;
}

function isMapped(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}

function unmapped(address: Uint8Array | undefined): Uint8Array | undefined {
  return address !== undefined && isMapped(address, 0) ? address.slice(12) : address;
}

/** Runs once for each packet of a UDP tracker: no pattern, no parts. */
function parseIpv4(text: string): Uint8Array | undefined {
  if (text.length > 15) return undefined;
  const bytes = new Uint8Array(IPV4_LENGTH);
  let part = 0;
  let value = -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (value < 0 || part === IPV4_LENGTH - 1) return undefined;
      bytes[part++] = value;
      value = -1;
      continue;
    }
    const digit = code - 0x30;
    // A leading zero could mean octal.
    if (digit < 0 || digit > 9 || value === 0) return undefined;
    value = value < 0 ? digit : value * 10 + digit;
    if (value > 255) return undefined;
  }
  if (part !== IPV4_LENGTH - 1 || value < 0) return undefined;
  bytes[part] = value;
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const front = parseGroups(halves[0]!, halves.length === 1);
  const back = halves.length === 2 ? parseGroups(halves[1]!, true) : [];
  if (front === undefined || back === undefined) return undefined;
  const given = front.length + back.length;
  if (halves.length === 2 ? given > IPV6_LENGTH - 2 : given !== IPV6_LENGTH) return undefined;
  const bytes = new Uint8Array(IPV6_LENGTH);
  bytes.set(front);
  bytes.set(back, IPV6_LENGTH - back.length);
  return bytes;
}

/** @param last whether these groups end the address, so that an IPv4 address may be the last of them */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (let i = 0; i < groups.length; i++) {
    const part = groups[i]!;
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      const value = Number.parseInt(part, 16);
      bytes.push(value >>> 8, value & 0xff);
      continue;
    }
    const ipv4 = last && i === groups.length - 1 ? parseIpv4(part) : undefined;
    if (ipv4 === undefined) return undefined;
    bytes.push(...ipv4);
  }
  return bytes;
}
