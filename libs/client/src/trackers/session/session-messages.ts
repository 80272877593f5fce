import { tracker } from '@pixtorrent/contracts';
import { ID_LENGTH, peerId, printable } from '@pixtorrent/core';
import {
  type AnnounceRequest,
  type AnnounceResponse,
  DEFAULT_INTERVAL,
  formatIp,
  IPV4_LENGTH,
  IPV6_LENGTH,
  MAX_INTERVAL,
  MAX_PEERS,
  MIN_INTERVAL,
  TrackerError,
  type TrackerPeer,
} from '@pixtorrent/tracker-protocol';

/** What a session says of this peer beside an announce. */
export interface PeerLabels {
  /** At most 63 bytes; empty for unknown. */
  readonly zone: string;
  /** At most 63 bytes; empty for unknown. */
  readonly node: string;
  readonly pixwire: boolean;
  readonly stalled: boolean;
  readonly announceKey: string;
}

const { AnnounceEvent } = tracker;
const EVENTS = {
  started: AnnounceEvent.ANNOUNCE_EVENT_STARTED,
  completed: AnnounceEvent.ANNOUNCE_EVENT_COMPLETED,
  stopped: AnnounceEvent.ANNOUNCE_EVENT_STOPPED,
} as const;

export function announceMessage(request: AnnounceRequest, labels: PeerLabels): tracker.SessionRequest {
  const announce: tracker.AnnounceRequest = {
    ...labels,
    ...figuresOf(request),
    peerId: Buffer.from(request.peerId),
    port: request.port,
    address: Buffer.alloc(0),
    numWant: request.numWant,
  };
  return { message: { $case: 'announce', announce } };
}

/** An answer comes only where peers are wanted. */
export function updateMessage(request: AnnounceRequest, stalled: boolean): tracker.SessionRequest {
  const numWant = request.event === 'stopped' || request.numWant === 0 ? undefined : request.numWant;
  return { message: { $case: 'update', update: { ...figuresOf(request), numWant, stalled } } };
}

/** Times are brought into a sane range, and peers with an impossible address left out. */
export function responseOf(answer: tracker.AnnounceResponse): AnnounceResponse {
  const least = answer.minInterval === 0 ? undefined : seconds(answer.minInterval);
  return {
    interval: Math.max(seconds(answer.interval), least ?? 0),
    seeders: answer.seeders,
    leechers: answer.leechers,
    peers: peersOf(answer.peers),
    ...(least !== undefined && { minInterval: least }),
    ...(answer.warning !== '' && { warning: printable(answer.warning) }),
  };
}

/** At most `MAX_PEERS`; those with an impossible address are left out. */
export function peersOf(list: readonly tracker.Peer[]): TrackerPeer[] {
  const peers: TrackerPeer[] = [];
  for (const { address, port, peerId: id, pixwire } of list) {
    if (peers.length === MAX_PEERS) break;
    const { length } = address;
    if ((length !== IPV4_LENGTH && length !== IPV6_LENGTH) || port < 1 || port > 65_535) continue;
    const host = formatIp(address, 0, length);
    peers.push({ host, port, pixwire, ...(id.length === ID_LENGTH && { peerId: peerId(id) }) });
  }
  return peers;
}

export function refusalOf({ code, reason }: tracker.SessionRefusal): TrackerError {
  return new TrackerError('refused', printable(reason) || `the tracker gave no reason, but code ${code}`);
}

function figuresOf({ infoHash, uploaded, downloaded, left, event }: AnnounceRequest) {
  return {
    infoHash: Buffer.from(infoHash),
    uploaded,
    downloaded,
    left,
    event: event === undefined ? AnnounceEvent.ANNOUNCE_EVENT_UNSPECIFIED : EVENTS[event],
  };
}

function seconds(value: number): number {
  return value === 0 ? DEFAULT_INTERVAL : Math.min(Math.max(value, MIN_INTERVAL), MAX_INTERVAL);
}
