import { Bitfield, ID_LENGTH, toHex } from '@pixtorrent/core';
import { ReportError, type ReportErrorCode } from './errors.ts';
import type { NodeCounters, NodeReport, PeerBytes, TorrentReport, TorrentShape } from './report.ts';

const MAX_PIECES = 1_000_000;
const MAX_TORRENTS = 10_000;
const MAX_PEERS = 100;
const MAX_CAUSES = 32;
/** Bytes. */
const LONGEST_ZONE = 63;
/** Characters: a host name and a port; a name in the catalogue and its version. */
const LONGEST_PEER = 261;
const LONGEST_NAME = 300;
const NODE_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const CAUSE = /^[a-z][a-z-]{0,31}$/;

/** What can be said of a report without knowing anything else. @throws ReportError */
export function checkReport(report: NodeReport): void {
  check(NODE_NAME.test(report.node), 'bad-name', 'node', 'has to be a name of a-z, 0-9, - and .');
  check(Buffer.byteLength(report.zone) <= LONGEST_ZONE, 'bad-name', 'zone', 'has at most 63 bytes');
  check(
    Number.isSafeInteger(report.sequence) && report.sequence > 0,
    'bad-sequence',
    'sequence',
    'begins at 1',
  );
  const { torrents, gone, counters } = report;
  check(torrents.length <= MAX_TORRENTS, 'too-much', 'torrents', `are at most ${MAX_TORRENTS}`);
  check(gone.length <= MAX_TORRENTS, 'too-much', 'gone', `are at most ${MAX_TORRENTS}`);
  const seen = new Set<string>();
  for (let n = 0; n < torrents.length; n++) checkTorrent(torrents[n]!, `torrents[${n}]`, seen);
  for (let n = 0; n < gone.length; n++) checkHash(gone[n]!, `gone[${n}]`, seen);
  if (counters !== undefined) checkCounters(counters);
}

function checkTorrent(torrent: TorrentReport, field: string, seen: Set<string>): void {
  checkHash(torrent.infoHash, `${field}.info_hash`, seen);
  const { shape, pieces, peers } = torrent;
  if (shape !== undefined) checkShape(shape, `${field}.shape`);
  for (const key of ['received', 'sent', 'duplicate', 'wasted', 'failed', 'stalledMs', 'connected'] as const)
    checkCount(torrent[key], `${field}.${key}`);
  check(peers.length <= MAX_PEERS, 'too-much', `${field}.peers`, `are at most ${MAX_PEERS}`);
  for (const peer of peers) checkPeer(peer, `${field}.peers`);
  if (pieces?.type === 'snapshot')
    check(shape !== undefined, 'bad-shape', `${field}.shape`, 'has to be there in a snapshot');
}

function checkHash(hash: Uint8Array, field: string, seen: Set<string>): void {
  check(hash.length === ID_LENGTH, 'bad-hash', field, `has ${hash.length} bytes, 20 are needed`);
  const key = toHex(hash);
  check(!seen.has(key), 'bad-hash', field, 'is in the report already');
  seen.add(key);
}

function checkShape({ name, size, pieceLength, pieces }: TorrentShape, field: string): void {
  check(name.length <= LONGEST_NAME, 'bad-name', `${field}.name`, `has at most ${LONGEST_NAME} characters`);
  check(Number.isSafeInteger(size) && size > 0, 'bad-shape', `${field}.size`, 'is no size of a content');
  const fits = pieceLength > 0 && pieces === Math.ceil(size / pieceLength);
  check(fits, 'bad-shape', `${field}.pieces`, 'do not make up the size');
  check(pieces <= MAX_PIECES, 'bad-shape', `${field}.pieces`, `are at most ${MAX_PIECES}`);
}

function checkPeer({ peer, received, sent }: PeerBytes, field: string): void {
  const named = peer.length > 0 && peer.length <= LONGEST_PEER;
  check(named, 'bad-name', `${field}.peer`, `has 1 to ${LONGEST_PEER} characters`);
  checkCount(received, `${field}.received`);
  checkCount(sent, `${field}.sent`);
}

function checkCounters({ bans, discoveryMs, messageMs }: NodeCounters): void {
  const causes = Object.entries(bans);
  check(causes.length <= MAX_CAUSES, 'too-much', 'counters.bans', `are of at most ${MAX_CAUSES} causes`);
  for (const [cause, count] of causes) {
    check(CAUSE.test(cause), 'bad-name', 'counters.bans', 'have causes of a-z and -');
    checkCount(count, 'counters.bans');
  }
  for (const value of [discoveryMs, messageMs])
    check(Number.isFinite(value) && value >= 0, 'bad-figure', 'counters', 'have times of 0 or more');
}

function checkCount(value: number, field: string): void {
  check(Number.isSafeInteger(value) && value >= 0, 'bad-figure', field, 'is no count');
}

/** Whether what is said of pieces can be of a torrent with so many. @throws ReportError */
export function checkPieces({ pieces }: TorrentReport, count: number, field: string): void {
  if (pieces === undefined) return;
  if (pieces.type === 'snapshot') {
    const fits = Bitfield.parse(pieces.bits, count) !== undefined;
    check(fits, 'bad-pieces', `${field}.snapshot`, `has to be ${count} bits, spare ones zero`);
  } else {
    checkIndexes(pieces.came, count, `${field}.changes.came`);
    checkIndexes(pieces.went, count, `${field}.changes.went`);
  }
}

function checkIndexes(indexes: readonly number[], count: number, field: string): void {
  let last = -1;
  for (const index of indexes) {
    const fits = Number.isInteger(index) && index > last && index < count;
    check(fits, 'bad-pieces', field, `has to ascend, below ${count}`);
    last = index;
  }
}

function check(right: boolean, code: ReportErrorCode, field: string, description: string): void {
  if (!right) throw new ReportError(code, field, description);
}
