/** Characters of a name, at the most. */
export const MAX_NAME_LENGTH = 253;

const SHAPE = /^[a-z0-9](?:[a-z0-9._/-]*[a-z0-9])?$/;

/**
 * Why `name` is none; undefined where it is one: 1 to 253 characters of a-z, 0-9, `-`, `_`, `.` and `/`, the first and
 * the last a letter or a digit, without `..` and `//`. It can stand in a path, a URL and a log line as it is.
 */
export function nameFault(name: string): string | undefined {
  if (name === '') return 'is missing';
  if (name.length > MAX_NAME_LENGTH)
    return `has ${name.length} characters, at most ${MAX_NAME_LENGTH} are allowed`;
  if (!SHAPE.test(name))
    return 'has to be of a-z, 0-9, "-", "_", "." and "/", beginning and ending with a letter or a digit';
  if (name.includes('..')) return 'has ".." in it';
  if (name.includes('//')) return 'has "//" in it';
  return undefined;
}
