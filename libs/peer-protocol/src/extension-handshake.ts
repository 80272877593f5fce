import { BencodeError, type BencodeValue, Dictionary, decode, encode } from '@pixtorrent/bencode';
import { printable } from '@pixtorrent/core';
import type { ExtensionHandshake } from './wire.ts';

const MAX_EXTENSIONS = 64;
const MAX_NAME = 64;
const MAX_CLIENT = 100;

/** The dictionary of an extension handshake (BEP 10; `upload_only` BEP 21; `metadata_size` BEP 9). */
export function encodeExtensionHandshake(handshake: ExtensionHandshake): Uint8Array {
  return encode({
    m: handshake.ids,
    v: handshake.client,
    p: handshake.port,
    reqq: handshake.requestQueue,
    upload_only: handshake.uploadOnly === undefined ? undefined : Number(handshake.uploadOnly),
    metadata_size: handshake.metadataSize,
  });
}

/**
 * Reads the dictionary of an extension handshake. A key that is not as its BEP says counts as missing.
 * @returns undefined where the bytes are no dictionary
 */
export function parseExtensionHandshake(bytes: Uint8Array): ExtensionHandshake | undefined {
  let top: BencodeValue;
  try {
    top = decode(bytes, { unsortedKeys: 'accept' });
  } catch (error) {
    if (error instanceof BencodeError) return undefined;
    throw error;
  }
  if (!(top instanceof Dictionary)) return undefined;
  const client = top.text('v');
  const port = within(top.integer('p'), 1, 65_535);
  const requestQueue = within(top.integer('reqq'), 1, 65_536);
  const uploadOnly = top.integer('upload_only');
  const metadataSize = within(top.integer('metadata_size'), 1, 2 ** 31);
  return {
    ids: extensionIds(top.dictionary('m')),
    ...(client !== undefined && { client: printable(client, MAX_CLIENT) }),
    ...(port !== undefined && { port }),
    ...(requestQueue !== undefined && { requestQueue }),
    ...(uploadOnly !== undefined && { uploadOnly: uploadOnly !== 0 }),
    ...(metadataSize !== undefined && { metadataSize }),
  };
}

/** Without a prototype, as the names are the peer's. */
function extensionIds(names: Dictionary | undefined): Record<string, number> {
  const ids: Record<string, number> = Object.create(null);
  let count = 0;
  for (const name of names?.keys() ?? []) {
    const id = within(names!.integer(name), 1, 255);
    if (id === undefined || name.length > MAX_NAME) continue;
    ids[name] = id;
    if (++count === MAX_EXTENSIONS) break;
  }
  return ids;
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}
