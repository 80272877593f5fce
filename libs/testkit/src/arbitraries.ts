import { Bitfield } from '@pixtorrent/core';
import type { TorrentShape } from '@pixtorrent/peer-protocol';
import fc from 'fast-check';

/** Torrents of up to `maxPieces` pieces of 16 KiB to 256 KiB, the last piece of any length from 1 byte. */
export function torrentShape(maxPieces = 64): fc.Arbitrary<TorrentShape> {
  return fc
    .tuple(
      fc.integer({ min: 1, max: maxPieces }),
      fc.constantFrom(16, 32, 64, 256),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([pieceCount, kibibytes, part]) => {
      const pieceLength = kibibytes * 1024;
      const last = Math.max(1, Math.round(part * pieceLength));
      return { pieceCount, pieceLength, length: (pieceCount - 1) * pieceLength + last };
    });
}

/** A set of pieces of a torrent, with none and all among the likelier ones. */
export function bitfield(length: number): fc.Arbitrary<Bitfield> {
  const none = fc.constant(new Bitfield(length)).map((field) => field.clone());
  const all = none.map((field) => {
    const full = field.clone();
    full.fill();
    return full;
  });
  const some = fc.array(fc.boolean(), { minLength: length, maxLength: length }).map((bits) => {
    const field = new Bitfield(length);
    for (const [index, bit] of bits.entries()) if (bit) field.add(index);
    return field;
  });
  return fc.oneof(
    { weight: 1, arbitrary: none },
    { weight: 1, arbitrary: all },
    { weight: 4, arbitrary: some },
  );
}

/** A range within one piece of `shape`, not empty: piece, offset and length in bytes. */
export function range(
  shape: TorrentShape,
): fc.Arbitrary<{ readonly piece: number; readonly offset: number; readonly length: number }> {
  return fc.integer({ min: 0, max: shape.pieceCount - 1 }).chain((piece) => {
    const pieceLength = Math.min(shape.pieceLength, shape.length - piece * shape.pieceLength);
    return fc
      .integer({ min: 0, max: pieceLength - 1 })
      .chain((offset) =>
        fc.integer({ min: 1, max: pieceLength - offset }).map((length) => ({ piece, offset, length })),
      );
  });
}

/** Bytes cut at arbitrary places, as a socket may deliver them; the parts join to the whole. */
export function splits(bytes: Uint8Array): fc.Arbitrary<Uint8Array[]> {
  return fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }).map((cuts) => {
    const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return places.slice(1).map((end, index) => bytes.subarray(places[index]!, end));
  });
}

/** `bytes` as a broken or hostile sender might change them: cut short, bits flipped, garbage put in. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const cut = fc.integer({ min: 0, max: bytes.length }).map((end) => Uint8Array.from(bytes.subarray(0, end)));
  const flipped = fc
    .array(fc.integer({ min: 0, max: Math.max(0, bytes.length * 8 - 1) }), { minLength: 1, maxLength: 8 })
    .map((places) => {
      const copy = Uint8Array.from(bytes);
      for (const place of places) if (copy.length > 0) copy[place >> 3]! ^= 1 << (place & 7);
      return copy;
    });
  const spliced = fc
    .tuple(fc.integer({ min: 0, max: bytes.length }), fc.uint8Array({ minLength: 1, maxLength: 32 }))
    .map(([place, garbage]) =>
      Uint8Array.from([...bytes.subarray(0, place), ...garbage, ...bytes.subarray(place)]),
    );
  return fc.oneof(cut, flipped, spliced);
}
