/** Powers of a thousand (`MB`, `M`) and of 1,024 (`MiB`, `Mi`). */
const SIZE = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?))?b?$/i;

/**
 * Reads a size in bytes: `1500`, `20MB`, `1.5 GiB`, `64k`; upper and lower case are the same.
 * @returns a whole number, or undefined where it is none or more than a number holds exactly
 */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text.trim());
  if (!match) return undefined;
  const [, digits, unit = '', binary] = match;
  const bytes = Math.round(
    Number(digits) * (binary ? 1024 : 1000) ** (' kmgt'.indexOf(unit.toLowerCase()) || 0),
  );
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The same for bytes a second; `/s` may follow. */
export function parseRate(text: string): number | undefined {
  return parseSize(text.replace(/\/s$/i, ''));
}
