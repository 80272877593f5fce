/**
 * Divides `most` among those who want some of it: each gets what it wants, or as much as the others that want more.
 * @returns a share for each, in their order
 */
export function fairShares(wants: readonly number[], most: number): number[] {
  const shares = wants.map(() => 0);
  const modestFirst = [...wants.keys()].sort((a, b) => wants[a]! - wants[b]!);
  let left = most;
  modestFirst.forEach((own, served) => {
    shares[own] = Math.min(wants[own]!, Math.floor(left / (wants.length - served)));
    left -= shares[own]!;
  });
  return shares;
}
