/** Bytes from `start` to before `end`; never empty. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What a `Range` header asks for. */
export type RangeRequest =
  /** All of it: there is no such header, or none that means anything. */
  | { readonly type: 'whole' }
  | { readonly type: 'ranges'; readonly ranges: readonly ByteRange[] }
  | { readonly type: 'refused'; readonly reason: string };

/** More parts than this are no way to read anything. */
export const MAX_RANGES = 32;
/** Bytes between two ranges that cost less to send than a part of its own. */
const GAP = 128;

const WHOLE: RangeRequest = { type: 'whole' };

/**
 * Reads a `Range` header (RFC 9110 14.2) for something of `length` bytes. Ranges that overlap or nearly touch become
 * one, in ascending order then; what is left has to be few, or all of it is refused (15.5.17).
 */
export function parseRange(header: string | undefined, length: number): RangeRequest {
  const list = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1];
  if (list === undefined) return WHOLE;
  const ranges: ByteRange[] = [];
  let asked = 0;
  for (const part of list.split(',')) {
    const range = part.trim();
    if (range === '') continue;
    const [, first, last] = /^(\d*)-(\d*)$/.exec(range) ?? [];
    if (first === undefined || last === undefined || (first === '' && last === '')) return WHOLE;
    if (first !== '' && last !== '' && Number(last) < Number(first)) return WHOLE;
    asked++;
    const found = rangeOf(first, last, length);
    if (found !== undefined) ranges.push(found);
  }
  if (asked === 0) return WHOLE;
  if (ranges.length === 0) return { type: 'refused', reason: `there are ${length} bytes` };
  const merged = coalesce(ranges);
  if (merged.length > MAX_RANGES)
    return {
      type: 'refused',
      reason: `${merged.length} ranges were asked for, at most ${MAX_RANGES} are given`,
    };
  return { type: 'ranges', ranges: merged };
}

/** @returns undefined where no byte of it is there */
function rangeOf(first: string, last: string, length: number): ByteRange | undefined {
  const start = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? length : Math.min(length, Number(last) + 1);
  return start < end ? { start, end } : undefined;
}

function coalesce(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start)) {
    const before = merged.at(-1);
    if (before !== undefined && start <= before.end + GAP) before.end = Math.max(before.end, end);
    else merged.push({ start, end });
  }
  return merged.length === ranges.length ? ranges : merged;
}
