import { isIP } from 'node:net';
import { type ValueSchema, value } from '@pixtorrent/service-kit';
import { Networks } from '@pixtorrent/tracker';

/** It stands in a path: so it is made of what needs no escape there. */
export function announceKey(): ValueSchema<string> {
  return value('a key of 1 to 64 letters, digits, - and _', (given) =>
    /^[A-Za-z0-9_-]{1,64}$/.test(given) ? given : undefined,
  );
}

/** An address, or a network as `ADDRESS/BITS`. @returns always with its bits */
export function network(): ValueSchema<string> {
  return value('a network such as 10.0.0.0/8', (given) => {
    const text = given.includes('/') ? given : `${given}/${isIP(given) === 6 ? 128 : 32}`;
    return Networks.canRead(text) ? text : undefined;
  });
}
