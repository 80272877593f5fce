import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const COLOURS = 256;
/** Colours of a palette are at least this far apart, as the sum of squares: shades of edges take no place from others. */
const APART = 60;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB, by row. */
  readonly pixels: Uint32Array;
}

/** A PNG of 8 bits a channel, without interlacing, as one of 256 colours: a fraction of the size. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = decoded(png);
  const palette = paletteOf(pixels);
  const nearest = new Map<number, number>();
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const colour = pixels[y * width + x]!;
      let index = nearest.get(colour);
      if (index === undefined) {
        index = nearestOf(palette, colour);
        nearest.set(colour, index);
      }
      rows[y * (width + 1) + 1 + x] = index;
    }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette.flatMap((colour) => channels(colour)))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function decoded(png: Buffer): Picture {
  const data: Buffer[] = [];
  let [width, height, kind] = [0, 0, 0];
  for (let at = SIGNATURE.length; at < png.length; at += 12 + png.readUInt32BE(at)) {
    const body = png.subarray(at + 8, at + 8 + png.readUInt32BE(at));
    const type = png.toString('latin1', at + 4, at + 8);
    if (type === 'IHDR') [width, height, kind] = [body.readUInt32BE(0), body.readUInt32BE(4), body[9]!];
    if (type === 'IDAT') data.push(body);
  }
  const step = kind === 6 ? 4 : 3;
  const bytes = inflateSync(Buffer.concat(data));
  const line = width * step;
  const pixels = new Uint32Array(width * height);
  let before = Buffer.alloc(line);
  for (let y = 0; y < height; y++) {
    const filter = bytes[y * (line + 1)]!;
    const row = bytes.subarray(y * (line + 1) + 1, (y + 1) * (line + 1));
    for (let n = 0; n < line; n++) {
      const [left, up, corner] = [row[n - step] ?? 0, before[n]!, before[n - step] ?? 0];
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      row[n] = row[n]! + guess;
    }
    for (let x = 0; x < width; x++) pixels[y * width + x] = row.readUIntBE(x * step, 3);
    before = row;
  }
  return { width, height, pixels };
}

/** The filter of that name in the PNG specification. */
function paeth(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** The most frequent colours that are not much alike. */
function paletteOf(pixels: Uint32Array): number[] {
  const counts = new Map<number, number>();
  for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const palette: number[] = [];
  for (const [colour] of [...counts].sort(([, a], [, b]) => b - a)) {
    if (palette.length === COLOURS) break;
    if (palette.every((other) => distance(other, colour) >= APART)) palette.push(colour);
  }
  return palette;
}

function nearestOf(palette: readonly number[], colour: number): number {
  let [best, least] = [0, Number.POSITIVE_INFINITY];
  palette.forEach((other, n) => {
    const far = distance(other, colour);
    if (far < least) [best, least] = [n, far];
  });
  return best;
}

function distance(a: number, b: number): number {
  const [x, y] = [channels(a), channels(b)];
  return (x[0] - y[0]) ** 2 + (x[1] - y[1]) ** 2 + (x[2] - y[2]) ** 2;
}

function channels(colour: number): [red: number, green: number, blue: number] {
  return [colour >>> 16, (colour >>> 8) & 255, colour & 255];
}

function chunk(type: string, body: Buffer): Buffer {
  const out = Buffer.alloc(body.length + 12);
  out.writeUInt32BE(body.length, 0);
  out.write(type, 4, 'latin1');
  body.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length);
  return out;
}
