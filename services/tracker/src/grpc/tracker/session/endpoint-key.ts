/** An endpoint in compact form (BEP 23, BEP 7) as text, a character a byte: what tells the peers of a swarm apart. */
export function endpointKey(address: Uint8Array, port: number): string {
  let key = '';
  for (const byte of address) key += String.fromCharCode(byte);
  return key + String.fromCharCode(port >>> 8, port & 0xff);
}
