/** Powers of two that a number of bytes may lie between. */
export const MAGNITUDES = 64;

/** The n for which 2^n ≤ `left` < 2^(n+1); -1 for less than one. */
export function magnitude(left: number): number {
  return left < 2 ** 32 ? 31 - Math.clz32(left) : 63 - Math.clz32(left / 2 ** 32);
}

/** Adds to the n-th of figures that grow as is needed; nothing for a negative n. */
export function addTo(sums: number[], n: number, count: number): void {
  if (n < 0 || count === 0) return;
  while (sums.length <= n) sums.push(0);
  sums[n]! += count;
}
