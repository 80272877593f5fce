import type { OutgoingHttpHeaders } from 'node:http';
import type { ByteRange } from './byte-ranges.ts';
import { contentRange, Multipart } from './multipart.ts';

type Read = (range: ByteRange) => AsyncGenerator<Uint8Array, void, void>;

/** How all of something, or ranges of it, are answered. */
export interface RangedAnswer {
  readonly status: 200 | 206;
  readonly headers: OutgoingHttpHeaders;
  chunks(read: Read): AsyncGenerator<Uint8Array, void, void>;
}

/** @param ranges all of it where they are missing @param length its bytes */
export function rangedAnswer(
  ranges: readonly ByteRange[] | undefined,
  length: number,
  contentType: string,
): RangedAnswer {
  if (ranges === undefined) {
    return {
      status: 200,
      headers: { 'content-type': contentType, 'content-length': length },
      chunks: (read) => read({ start: 0, end: length }),
    };
  }
  const [first, ...others] = ranges as [ByteRange, ...ByteRange[]];
  if (others.length === 0) {
    return {
      status: 206,
      headers: {
        'content-type': contentType,
        'content-length': first.end - first.start,
        'content-range': contentRange(first, length),
      },
      chunks: (read) => read(first),
    };
  }
  const parts = new Multipart(ranges, contentType, length);
  return {
    status: 206,
    headers: { 'content-type': parts.contentType, 'content-length': parts.length },
    chunks: (read) => parts.chunks(read),
  };
}
