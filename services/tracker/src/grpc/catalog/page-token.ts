import { type EntryPlace, nameFault } from '@pixtorrent/catalog';

/** What kind of token it is, so that another can follow. */
const KIND = 1;
const HEADER_LENGTH = 5;
/** Characters of the token of the longest name. */
const MAX_LENGTH = 344;

/** Where a page ended, for the client to bring back; it means nothing to it. */
export function formatPageToken({ name, version }: EntryPlace): string {
  const bytes = Buffer.alloc(HEADER_LENGTH + name.length);
  bytes[0] = KIND;
  bytes.writeUInt32BE(version, 1);
  bytes.write(name, HEADER_LENGTH, 'latin1');
  return bytes.toString('base64url');
}

/** @returns undefined where it is none of ours */
export function parsePageToken(token: string): EntryPlace | undefined {
  if (token.length > MAX_LENGTH) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length <= HEADER_LENGTH || bytes[0] !== KIND) return undefined;
  const place = { name: bytes.toString('latin1', HEADER_LENGTH), version: bytes.readUInt32BE(1) };
  // The decoder passes over what is no base64url: only the text that is written for a place stands for it.
  if (nameFault(place.name) !== undefined || place.version === 0) return undefined;
  return formatPageToken(place) === token ? place : undefined;
}
