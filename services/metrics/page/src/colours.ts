export type Colour = readonly [red: number, green: number, blue: number];

/** A colour that the style sheet names, as #rrggbb, in the scheme of now. */
export function colour(name: string): Colour {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const value = Number.parseInt(text.slice(1), 16);
  return [value >>> 16, (value >>> 8) & 255, value & 255];
}

export function mixed(from: Colour, to: Colour, share: number): Colour {
  const at = (n: 0 | 1 | 2): number => Math.round(from[n] + (to[n] - from[n]) * share);
  return [at(0), at(1), at(2)];
}

/** As the pixels of a canvas have it, on a machine that stores the low byte first: all that browsers run on. */
export function pixel([red, green, blue]: Colour): number {
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Calls back when the scheme changes between dark and light, until it is told not to. */
export function onScheme(changed: () => void): () => void {
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}

export const reducedMotion = matchMedia('(prefers-reduced-motion: reduce)');
