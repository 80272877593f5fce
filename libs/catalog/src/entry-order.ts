/** Which version of which name. */
export interface EntryPlace {
  readonly name: string;
  readonly version: number;
}

/** Versions are below 2³²: ten digits. */
const VERSION_DIGITS = 10;

/**
 * Text that sorts, by bytes, as the catalogue is ordered: by name, then by version. No name has a character below the
 * separator, so a name comes before those that it begins.
 */
export function orderKey({ name, version }: EntryPlace): string {
  return `${name}\0${String(version).padStart(VERSION_DIGITS, '0')}`;
}

/** The opposite of `orderKey`. */
export function placeOf(key: string): EntryPlace {
  const end = key.length - VERSION_DIGITS - 1;
  return { name: key.slice(0, end), version: Number(key.slice(end + 1)) };
}
