import { type Endpoint, endpointKey, type Random } from '@pixtorrent/core';
import type { WireName } from '@pixtorrent/peer-protocol';

/** First wait after a failed or lost connection, milliseconds; doubled with each further failure. */
const FIRST_BACK_OFF = 2000;
const MAX_BACK_OFF = 600_000;
/** Failures in a row after which an endpoint is forgotten, until somebody names it again. */
const MAX_FAILURES = 8;

/**
 * An endpoint at which a peer may be found is in exactly one of these states:
 *
 *     waiting → dialling → connected → waiting
 *                 └──────────────────→ waiting | forgotten
 *     any → ours (it is this node itself)
 */
export type CandidateState = 'waiting' | 'dialling' | 'connected' | 'ours';

export interface Candidate {
  readonly endpoint: Endpoint;
  readonly key: string;
  state: CandidateState;
  failures: number;
  /** Not dialled before this time. */
  notBefore: number;
  /** The wire that it is known to speak. */
  wire: WireName | undefined;
}

/** The endpoints that were heard of, with what came of each. Bounded: a new one replaces the most hopeless. */
export class Candidates {
  readonly #all = new Map<string, Candidate>();
  readonly #limit: number;
  readonly #random: Random;

  constructor(limit: number, random: Random) {
    this.#limit = limit;
    this.#random = random;
  }

  get size(): number {
    return this.#all.size;
  }

  get(key: string): Candidate | undefined {
    return this.#all.get(key);
  }

  /** @returns the candidate, new or known */
  add(endpoint: Endpoint): Candidate | undefined {
    const key = endpointKey(endpoint);
    const known = this.#all.get(key);
    if (known) return known;
    if (this.#all.size >= this.#limit && !this.#makeRoom()) return undefined;
    const candidate: Candidate = {
      endpoint: { host: endpoint.host, port: endpoint.port },
      key,
      state: 'waiting',
      failures: 0,
      notBefore: Number.NEGATIVE_INFINITY,
      wire: undefined,
    };
    this.#all.set(key, candidate);
    return candidate;
  }

  /** One that may be dialled now, any of them with equal chance. */
  choose(now: number): Candidate | undefined {
    let chosen: Candidate | undefined;
    let seen = 0;
    for (const candidate of this.#all.values()) {
      if (candidate.state !== 'waiting' || candidate.notBefore > now) continue;
      if (this.#random.below(++seen) === 0) chosen = candidate;
    }
    return chosen;
  }

  /** All that are waiting, and not for their failures, may be dialled now. */
  allowAll(now: number): void {
    for (const candidate of this.#all.values()) {
      if (candidate.state === 'waiting' && candidate.failures === 0) candidate.notBefore = now;
    }
  }

  /** When the next one may be dialled, milliseconds; infinite where there is none. */
  nextAt(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { state, notBefore } of this.#all.values())
      if (state === 'waiting') next = Math.min(next, notBefore);
    return next;
  }

  /** waiting -> dialling */
  dialling(candidate: Candidate): void {
    candidate.state = 'dialling';
  }

  /** dialling or waiting -> connected */
  connected(candidate: Candidate): void {
    candidate.state = 'connected';
  }

  /** connected -> waiting; `useful`: the connection was good for something, and is no failure */
  ended(candidate: Candidate, now: number, delay: number, useful: boolean): void {
    candidate.failures = useful ? 0 : Math.min(candidate.failures + 1, MAX_FAILURES);
    this.release(candidate, now, useful ? delay : Math.max(delay, this.#backOff(candidate.failures)));
  }

  /** any -> ours */
  ours(candidate: Candidate): void {
    candidate.state = 'ours';
  }

  /** dialling -> waiting, or forgotten after too many failures */
  failed(candidate: Candidate, now: number): void {
    candidate.failures++;
    if (candidate.failures >= MAX_FAILURES) this.#all.delete(candidate.key);
    else this.release(candidate, now, this.#backOff(candidate.failures));
  }

  /** connected or dialling -> waiting, to be dialled again after `delay` milliseconds */
  release(candidate: Candidate, now: number, delay: number): void {
    candidate.state = 'waiting';
    candidate.notBefore = now + delay;
  }

  #backOff(failures: number): number {
    const full = Math.min(MAX_BACK_OFF, FIRST_BACK_OFF * 2 ** (failures - 1));
    return full / 2 + this.#random.below(Math.ceil(full / 2));
  }

  #makeRoom(): boolean {
    let worst: Candidate | undefined;
    for (const candidate of this.#all.values()) {
      if (candidate.state === 'waiting' && candidate.failures > (worst?.failures ?? 0)) worst = candidate;
    }
    return worst !== undefined && this.#all.delete(worst.key);
  }
}
