import { IPV4_LENGTH, parseIp } from '@pixtorrent/tracker-protocol';

interface Network {
  readonly address: Uint8Array;
  readonly bits: number;
}

/** A set of networks that addresses may belong to. */
export class Networks {
  readonly #networks: readonly Network[];

  /** @param networks each as `ADDRESS/BITS` @throws RangeError for one that is not of that form */
  constructor(networks: readonly string[]) {
    this.#networks = networks.map(readNetwork);
  }

  /** @param address 4 or 16 bytes */
  has(address: Uint8Array): boolean {
    for (let i = 0; i < this.#networks.length; i++) if (isIn(address, this.#networks[i]!)) return true;
    return false;
  }
}

function readNetwork(text: string): Network {
  const [host = '', bits = '', ...rest] = text.split('/');
  const address = parseIp(host);
  // An IPv4-mapped network is one of IPv4: its first 96 bits are the mapping.
  const mapped = address?.length === IPV4_LENGTH && host.includes(':') ? 96 : 0;
  const width = Number(bits) - mapped;
  if (address === undefined || !/^\d{1,3}$/.test(bits) || rest.length > 0) throw notANetwork(text);
  if (width < 0 || width > address.length * 8) throw notANetwork(text);
  return { address, bits: width };
}

function notANetwork(text: string): RangeError {
  return new RangeError(`not a network: ${text}`);
}

function isIn(address: Uint8Array, network: Network): boolean {
  if (address.length !== network.address.length) return false;
  const whole = network.bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network.address[i]) return false;
  const rest = network.bits & 7;
  return rest === 0 || (address[whole]! ^ network.address[whole]!) >> (8 - rest) === 0;
}
