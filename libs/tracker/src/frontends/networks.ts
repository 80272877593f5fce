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
    this.#networks = networks.map((text) => {
      const network = readNetwork(text);
      if (network === undefined) throw new RangeError(`not a network: ${text}`);
      return network;
    });
  }

  static canRead(text: string): boolean {
    return readNetwork(text) !== undefined;
  }

  /** @param address 4 or 16 bytes */
  has(address: Uint8Array): boolean {
    for (let i = 0; i < this.#networks.length; i++) if (isIn(address, this.#networks[i]!)) return true;
    return false;
  }
}

function readNetwork(text: string): Network | undefined {
  const [host = '', bits = '', ...rest] = text.split('/');
  const address = parseIp(host);
  if (address === undefined || !/^\d{1,3}$/.test(bits) || rest.length > 0) return undefined;
  // An IPv4-mapped network is one of IPv4: its first 96 bits are the mapping.
  const width = Number(bits) - (address.length === IPV4_LENGTH && host.includes(':') ? 96 : 0);
  return width >= 0 && width <= address.length * 8 ? { address, bits: width } : undefined;
}

function isIn(address: Uint8Array, network: Network): boolean {
  if (address.length !== network.address.length) return false;
  const whole = network.bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== network.address[i]) return false;
  const rest = network.bits & 7;
  return rest === 0 || (address[whole]! ^ network.address[whole]!) >> (8 - rest) === 0;
}
