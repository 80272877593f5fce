import type { InfoHash } from '@pixtorrent/core';
import type { SwarmFigures } from '../peer-store.ts';

/** What every script on a swarm answers first: bytes, little-endian. */
const AGAIN = 0;
const WANTED = 1;
const SEEDERS = 2;
const LEECHERS = 6;
const COMPLETED = 10;
const STAMP = 14;
const DUE = 22;
const DROPPED = 30;
const HEARD = 34;
export const FIGURES_LENGTH = 42;

/** A swarm, when it was looked at by a script. */
export interface SwarmState {
  readonly seeders: number;
  readonly leechers: number;
  readonly completed: number;
  /** Orders states of one swarm: Redis's microseconds. */
  readonly stamp: number;
  /** When somebody should look again: Redis's milliseconds. */
  readonly due: number;
}

/** More must be dropped than one call may: nothing else has been done. */
export function isUnfinished(answer: Buffer): boolean {
  return answer[AGAIN] === 1;
}

/** Whether the index of swarms is to hear of it. */
export function isNews(answer: Buffer): boolean {
  return answer[WANTED] !== 0;
}

/** What is there of a swarm that is news. */
export function lifeOf(answer: Buffer): SwarmLife {
  return answer[WANTED] === 2 ? 'fading' : 'there';
}

/** When it was answered: Redis's milliseconds. */
export function timeOf(answer: Buffer): number {
  return answer.readDoubleLE(STAMP) / 1000;
}

export function seedersOf(answer: Buffer): number {
  return answer.readUInt32LE(SEEDERS);
}

export function leechersOf(answer: Buffer): number {
  return answer.readUInt32LE(LEECHERS);
}

/** Peers that were dropped because their time was up. */
export function droppedOf(answer: Buffer): number {
  return answer.readUInt32LE(DROPPED);
}

/** What an announce counts for, or what is told at second hand without age: Redis's milliseconds. */
export function heardOf(answer: Buffer): number {
  return answer.readDoubleLE(HEARD);
}

export function stateOf(answer: Buffer): SwarmState {
  return {
    seeders: seedersOf(answer),
    leechers: leechersOf(answer),
    completed: answer.readUInt32LE(COMPLETED),
    stamp: answer.readDoubleLE(STAMP),
    due: answer.readDoubleLE(DUE),
  };
}

/** Of one that is fading only that some have left is remembered. */
export type SwarmLife = 'there' | 'fading' | 'over';

export type Presence = 'unknown' | 'known' | 'over';

/** Of what `LOOK` answers. */
export function presenceOf(answer: Buffer): Presence {
  return (['unknown', 'known', 'over'] as const)[answer[FIGURES_LENGTH]!]!;
}

/** What `LOOK` says of a swarm that is known. */
export function swarmFiguresOf(infoHash: InfoHash, answer: Buffer, timeToLive: number): SwarmFigures {
  const { seeders, leechers, completed } = stateOf(answer);
  const times = FIGURES_LENGTH + 1;
  const leftDistribution: number[] = [];
  for (let at = times + 24; at < answer.length; at += 5) {
    const exponent = answer[at]!;
    while (leftDistribution.length <= exponent) leftDistribution.push(0);
    leftDistribution[exponent] = answer.readUInt32LE(at + 1);
  }
  while (leftDistribution.at(-1) === 0) leftDistribution.pop();
  return {
    infoHash,
    seeders,
    leechers,
    completed,
    leftDistribution,
    announceRate: answer.readDoubleLE(times + 16),
    firstSeen: answer.readDoubleLE(times),
    lastSeen: answer.readDoubleLE(times + 8) - timeToLive,
  };
}
