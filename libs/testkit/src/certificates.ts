import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A key and its certificate, PEM. */
export interface IssuedCertificate {
  readonly key: string;
  readonly certificate: string;
}

export interface IssueOptions {
  /** @default 'test node' */
  readonly name?: string;
  /** Host names and IPv4 addresses that it is for. @default none */
  readonly hosts?: readonly string[];
  /** @default an hour ago */
  readonly from?: Date;
  /** @default in an hour */
  readonly until?: Date;
}

const HOUR = 3_600_000;

/**
 * Certifies keys for tests, at the time that they run. Written by hand: what OpenSSL needs of X.509 (RFC 5280) is one
 * structure, and the packages that make it bring twenty more.
 */
export class TestAuthority {
  /** PEM. */
  readonly certificate: string;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor(name = 'test authority') {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#name = name;
    this.#key = privateKey;
    const isAuthority = extension('551d13', sequence(tlv(0x01, Buffer.of(0xff))), true);
    this.certificate = this.#certify(publicKey, { name }, [isAuthority]);
  }

  issue(options: IssueOptions = {}): IssuedCertificate {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const hosts = (options.hosts ?? []).map((host) =>
      isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host)),
    );
    const extensions = hosts.length > 0 ? [extension('551d11', sequence(...hosts))] : [];
    return {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      certificate: this.#certify(publicKey, options, extensions),
    };
  }

  #certify(key: KeyObject, options: IssueOptions, extensions: readonly Buffer[]): string {
    const {
      name = 'test node',
      from = new Date(Date.now() - HOUR),
      until = new Date(Date.now() + HOUR),
    } = options;
    const certificate = sequence(
      tlv(0xa0, integer(Buffer.of(2))),
      integer(Buffer.concat([Buffer.of(1), randomBytes(15)])),
      ECDSA_WITH_SHA256,
      commonName(this.#name),
      sequence(time(from), time(until)),
      commonName(name),
      key.export({ type: 'spki', format: 'der' }),
      ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
    );
    const signature = bitString(sign('sha256', certificate, this.#key));
    const lines = sequence(certificate, ECDSA_WITH_SHA256, signature)
      .toString('base64')
      .replace(/.{64}/g, '$&\n');
    return `-----BEGIN CERTIFICATE-----\n${lines.trimEnd()}\n-----END CERTIFICATE-----\n`;
  }
}

const ECDSA_WITH_SHA256 = sequence(identifier('2a8648ce3d040302'));

/** DER: a tag, the length, the contents. */
function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(0x30, ...parts);
}

/** Not negative: the first bit is 0. */
function integer(bytes: Buffer): Buffer {
  return tlv(0x02, bytes);
}

function bitString(bytes: Buffer): Buffer {
  return tlv(0x03, Buffer.of(0), bytes);
}

function identifier(hex: string): Buffer {
  return tlv(0x06, Buffer.from(hex, 'hex'));
}

function commonName(name: string): Buffer {
  return sequence(tlv(0x31, sequence(identifier('550403'), tlv(0x0c, Buffer.from(name)))));
}

function extension(id: string, value: Buffer, critical = false): Buffer {
  return sequence(identifier(id), ...(critical ? [tlv(0x01, Buffer.of(0xff))] : []), tlv(0x04, value));
}

/** UTCTime, which RFC 5280 wants up to 2049. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '');
  return tlv(0x17, Buffer.from(`${digits.slice(2, 14)}Z`));
}
