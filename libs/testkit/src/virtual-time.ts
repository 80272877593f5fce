import type { Clock, Timer, Timers } from '@pixtorrent/core';
import { TestkitError } from './errors.ts';

/** When a run ends; it also ends when nothing more is due. */
export interface RunBounds {
  /** Milliseconds of virtual time; events due exactly then still run. @default without end */
  readonly until?: number;
  /** Asked after each event; true ends the run. */
  readonly when?: () => boolean;
  /** More events than this are taken for a loop that does not end. @default 1e9 */
  readonly events?: number;
}

/** Why a run ended. */
export type RunEnd = 'idle' | 'until' | 'condition';

/**
 * A clock that jumps from event to event. What is due at the same instant runs in the order in which it was
 * scheduled, so the same inputs give the same run. Milliseconds, fractions kept, from 0.
 */
export class VirtualTime implements Clock, Timers {
  #now = 0;
  #sequence = 0;
  #events = 0;
  #cancelled = 0;
  #heap: ScheduledEvent[] = [];
  /** Events that ran and nobody holds: taken again instead of allocating. */
  readonly #spare: ScheduledEvent[] = [];

  now(): number {
    return this.#now;
  }

  /** How many events have run. */
  get events(): number {
    return this.#events;
  }

  after(delay: number, callback: () => void): Timer {
    const event = new ScheduledEvent(this, false);
    this.#insert(event, this.#now + Math.max(0, delay), callback);
    return event;
  }

  /** Runs `callback` at `time` (or at once, if that has passed); not to be cancelled, and cheaper than `after`. */
  at(time: number, callback: () => void): void {
    this.#insert(this.#spare.pop() ?? new ScheduledEvent(this, true), Math.max(time, this.#now), callback);
  }

  /** @throws TestkitError `too-many-events` */
  run(bounds: RunBounds = {}): RunEnd {
    const until = bounds.until ?? Number.POSITIVE_INFINITY;
    const limit = this.#events + (bounds.events ?? 1e9);
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined) {
        if (until !== Number.POSITIVE_INFINITY) this.#now = Math.max(this.#now, until);
        return 'idle';
      }
      if (next.time > until) {
        this.#now = Math.max(this.#now, until);
        return 'until';
      }
      this.#removeFirst();
      const callback = next.callback;
      if (callback === undefined) {
        this.#cancelled--;
        continue;
      }
      this.#now = next.time;
      next.callback = undefined;
      next.queued = false;
      if (next.pooled) this.#spare.push(next);
      if (++this.#events > limit) {
        throw new TestkitError('too-many-events', `${limit} events and no end at ${this.#now} ms`);
      }
      callback();
      if (bounds.when?.()) return 'condition';
    }
  }

  /** A timer's own report that it was cancelled while queued. */
  noteCancelled(): void {
    this.#cancelled++;
    if (this.#cancelled > 1024 && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  #insert(event: ScheduledEvent, time: number, callback: () => void): void {
    if (Number.isNaN(time)) throw new RangeError('an event needs a time');
    event.time = time;
    event.sequence = this.#sequence++;
    event.callback = callback;
    event.queued = true;
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
  }

  #removeFirst(): void {
    const last = this.#heap.pop()!;
    if (this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let index = from;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent]!;
      if (before(above, event)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const event = heap[from]!;
    let index = from;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      const below = heap[child]!;
      if (before(event, below)) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = event;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((event) => event.callback !== undefined);
    this.#cancelled = 0;
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#sink(index);
  }
}

class ScheduledEvent implements Timer {
  time = 0;
  sequence = 0;
  callback: (() => void) | undefined;
  queued = false;
  readonly pooled: boolean;
  readonly #owner: VirtualTime;

  constructor(owner: VirtualTime, pooled: boolean) {
    this.#owner = owner;
    this.pooled = pooled;
  }

  cancel(): void {
    if (!this.queued || this.callback === undefined) return;
    this.callback = undefined;
    this.#owner.noteCancelled();
  }
}

function before(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.time < b.time || (a.time === b.time && a.sequence < b.sequence);
}
