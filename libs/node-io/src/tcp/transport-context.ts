import type { Timers } from '@pixtorrent/core';
import { ControlPool, DEFAULT_LIMITS, ReceiveScratch, type WireLimits } from '@pixtorrent/peer-protocol';
import type { TlsLayer } from './tls.ts';
import { loadSetUnsent, type SetUnsent } from './unsent-limit.ts';

/** Whoever has something to flush at the end of the turn. */
interface Flushable {
  flush(): void;
}

/** What the connections of one thread share. */
export class TransportContext {
  readonly timers: Timers;
  readonly limits: WireLimits;
  /** Missing where only plain connections are made and taken. */
  readonly tls: TlsLayer | undefined;
  /** Fulfilled before the first connection. */
  readonly ready: Promise<void>;
  readonly scratch = new ReceiveScratch();
  readonly pool = new ControlPool();
  #setUnsent: SetUnsent | undefined;
  #dirty: Flushable[] = [];
  #scheduled = false;

  constructor(timers: Timers, limits: WireLimits = DEFAULT_LIMITS, tls?: TlsLayer) {
    this.timers = timers;
    this.limits = limits;
    this.tls = tls;
    this.ready = loadSetUnsent().then((set) => {
      this.#setUnsent = set;
    });
  }

  /** Missing where the system cannot be told what to leave to us. */
  get setUnsent(): SetUnsent | undefined {
    return this.#setUnsent;
  }

  /** Has `connection` flushed once, after all that is read in this turn of the event loop has been looked at. */
  flushLater(connection: Flushable): void {
    this.#dirty.push(connection);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flushAll);
  }

  readonly #flushAll = (): void => {
    const dirty = this.#dirty;
    this.#dirty = [];
    this.#scheduled = false;
    for (const connection of dirty) connection.flush();
  };
}
