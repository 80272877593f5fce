import type { FileStamp, FileStorage } from './file-storage.ts';
import type { Layout } from './layout.ts';
import type { ResumeRecord } from './resume-record.ts';

/**
 * What a file's stamp says of the record of the last session.
 * - `same`: nobody has written to it since the record.
 * - `explained`: the session may have written to it after the record; somebody else hardly.
 * - `changed`: written to by somebody, or there is no record of it.
 * - `empty`: made just now, or not there: it holds nothing.
 */
export type FileTrust = 'same' | 'explained' | 'changed' | 'empty';

/**
 * - `have`, `lack`: known.
 * - `explained`: recorded, in a file that was written to since.
 * - `probe`: not recorded; written after the record, or not at all.
 * - `hash`: nothing is known.
 */
export type PieceTrust = 'have' | 'lack' | 'explained' | 'probe' | 'hash';

/**
 * How long after a record its session may have gone on writing before it made the next, or was killed. Checkpoints
 * are 5 s apart while pieces arrive, and making one takes as long as the disk needs.
 */
const WINDOW = 30n * 1_000_000_000n;

/** The trust in each file of the torrent, and last in the side file. @throws StorageError */
export async function judgeFiles(
  storage: FileStorage,
  record: ResumeRecord | undefined,
): Promise<FileTrust[]> {
  const { kept, partsLength } = storage.layout;
  const trusts: FileTrust[] = [];
  for (let key = 0; key <= storage.partsKey; key++) {
    const used = key === storage.partsKey ? partsLength > 0 : kept[key];
    const now = used && !storage.created.has(key) ? await storage.stamp(key) : undefined;
    if (now === undefined) trusts.push('empty');
    else if (storage.extended.has(key)) trusts.push('changed');
    else trusts.push(judgeFile(now, record?.stamps[key], record));
  }
  return trusts;
}

function judgeFile(now: FileStamp, then: FileStamp | undefined, record: ResumeRecord | undefined): FileTrust {
  if (record === undefined || then === undefined || now.size !== then.size) return 'changed';
  if (now.modified === then.modified) return 'same';
  const inWindow = now.modified > then.modified && now.modified <= record.time + WINDOW;
  return inWindow && !record.final ? 'explained' : 'changed';
}

/** @param files as `judgeFiles` gives them */
export function judgePiece(
  layout: Layout,
  files: readonly FileTrust[],
  piece: number,
  recorded: boolean,
): PieceTrust {
  const { pieceLength, length, files: entries } = layout.shape;
  const offset = piece * pieceLength;
  let trust: FileTrust = 'same';
  let stored = false;
  for (const { place } of layout.segments(offset, Math.min(pieceLength, length - offset))) {
    if (place.kind === 'zeros') continue;
    if (place.kind === 'unselected') return 'lack';
    stored = true;
    const file = files[place.kind === 'file' ? place.file : entries.length]!;
    if (file === 'empty') return 'lack';
    if (file === 'changed' || trust === 'same') trust = file;
  }
  if (!stored || trust === 'changed') return 'hash';
  if (trust === 'same') return recorded ? 'have' : 'lack';
  return recorded ? 'explained' : 'probe';
}
