import { isIP } from 'node:net';
import { isAbsolute } from 'node:path';
import { size, type ValueSchema, value } from '@pixtorrent/service-kit';

const NODE_NAME = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

export function nodeName(): ValueSchema<string> {
  return value('a name of a-z, 0-9, - and ., at most 253', (given) =>
    NODE_NAME.test(given) ? given : undefined,
  );
}

export function folder(): ValueSchema<string> {
  return value('the absolute name of a folder', (given) => (isAbsolute(given) ? given : undefined));
}

/** Of a place: what a tracker takes. */
export function label(): ValueSchema<string> {
  return value('at most 63 bytes', (given) => (Buffer.byteLength(given) <= 63 ? given : undefined));
}

/** Bytes a second. */
export function rate(): ValueSchema<number> {
  return size('16KiB', '1024GiB');
}

/** A host by its name, all below a domain by `.domain`, or a network by `ADDRESS/BITS`. */
export function allowedHost(): ValueSchema<string> {
  return value('a host, .domain or network', (given) => {
    const [address, bits, ...rest] = given.split('/');
    const width = { 0: 0, 4: 32, 6: 128 }[isIP(address!)] ?? 0;
    if (width > 0) {
      if (rest.length > 0) return undefined;
      if (bits === undefined) return `${address}/${width}`;
      return /^\d{1,3}$/.test(bits) && Number(bits) <= width ? given : undefined;
    }
    return NODE_NAME.test(given.replace(/^\./, '').toLowerCase()) ? given.toLowerCase() : undefined;
  });
}

/** Of a tracker that any client can ask. */
export function announceUrl(): ValueSchema<string> {
  return value('an http, https or udp URL', (given) => {
    const url = URL.parse(given);
    return url !== null && ['http:', 'https:', 'udp:'].includes(url.protocol) ? given : undefined;
  });
}
