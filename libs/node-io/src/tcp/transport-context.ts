import type { Timers } from '@pixtorrent/core';
import { ControlPool, DEFAULT_LIMITS, ReceiveScratch, type WireLimits } from '@pixtorrent/peer-protocol';
import type { TlsLayer } from './tls.ts';
import { type LimitUnsent, loadUnsentLimit } from './unsent-limit.ts';

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
  #limitUnsent: LimitUnsent | undefined;
  #dirty: Flushable[] = [];
  #scheduled = false;

  constructor(timers: Timers, limits: WireLimits = DEFAULT_LIMITS, tls?: TlsLayer) {
    this.timers = timers;
    this.limits = limits;
    this.tls = tls;
    this.ready = loadUnsentLimit().then((limit) => {
      this.#limitUnsent = limit;
    });
  }

  /** Keeps what is to be sent out of the kernel until it can be sent, where the system knows how. */
  keepUnsent(fd: number | undefined): void {
    if (fd !== undefined) this.#limitUnsent?.(fd);
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
