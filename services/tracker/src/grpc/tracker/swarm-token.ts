import { ID_LENGTH, type InfoHash, infoHash } from '@pixtorrent/core';

/** What kind of token it is: that of the catalogue has another. */
const KIND = 2;

/** Where a page of swarms ended, for the client to bring back; it means nothing to it. */
export function formatSwarmToken(hash: InfoHash): string {
  return Buffer.concat([Buffer.of(KIND), hash]).toString('base64url');
}

/** @returns undefined where it is none of ours */
export function parseSwarmToken(token: string): InfoHash | undefined {
  if (token.length !== 28) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  return bytes.length === 1 + ID_LENGTH && bytes[0] === KIND ? infoHash(bytes.subarray(1)) : undefined;
}
