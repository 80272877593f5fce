import { createHash } from 'node:crypto';
import type { LoadOrder } from './report.ts';

/** The same in every run. */
export function infoHashes(count: number): Buffer[] {
  return Array.from({ length: count }, (_, i) => createHash('sha1').update(`swarm ${i}`).digest());
}

/** One announce: which swarm, and which peer of its socket. */
export interface Turn {
  readonly swarm: number;
  readonly peer: number;
}

const FIRST_PORT = 10_000;
const MOST_PEERS = 50_000;

export function portOf(peer: number): number {
  return FIRST_PORT + peer;
}

/** Each socket comes from an address of its own, and stands for so many peers of each swarm, told apart by port. */
export function peersPerSocket({ peersPerSwarm, sockets }: LoadOrder): number {
  const peers = Math.ceil(peersPerSwarm / sockets);
  if (peers > MOST_PEERS) throw new RangeError(`${peersPerSwarm} peers need more sockets than ${sockets}`);
  return peers;
}

export function addressOf(socket: number): string {
  return `127.0.1.${socket + 1}`;
}

/** What a socket announces next: at random, or everybody in turn. @returns undefined after the last */
export function turns(order: LoadOrder): () => Turn | undefined {
  const { swarms } = order;
  const peers = peersPerSocket(order);
  if (order.until !== 'everybody') {
    return () => ({ swarm: Math.floor(Math.random() * swarms), peer: Math.floor(Math.random() * peers) });
  }
  let next = 0;
  return () => {
    if (next === swarms * peers) return undefined;
    const turn = { swarm: next % swarms, peer: Math.floor(next / swarms) };
    next++;
    return turn;
  };
}

/** Calls `send` at an even rate, a few at a time. @returns what ends it */
export function atRate(rate: number, send: (due: number) => void): () => void {
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    for (; sent < due; sent++) send(started + ((sent + 1) * 1000) / rate);
  }, 1);
  return () => clearInterval(timer);
}
