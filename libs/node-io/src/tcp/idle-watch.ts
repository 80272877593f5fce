import type { Timer, Timers } from '@pixtorrent/core';
import type { WireName } from '@pixtorrent/peer-protocol';

/** How often a connection is looked at, ms; every other time is kept to within one such step. */
const STEP = 10_000;

interface IdleTimes {
  /** Nothing received for so long: asks for a sign of life. ms */
  readonly askAfter: number;
  /** Nothing sent for so long: gives one. ms */
  readonly tellAfter: number;
  /** Nothing received for so long, or nothing taken of what is being sent: closes. ms */
  readonly closeAfter: number;
}

/** PixWire asks. BEP 3 cannot: each side speaks up within 2 minutes. */
const TIMES: Readonly<Record<WireName, IdleTimes>> = {
  pixwire: { askAfter: 30_000, tellAfter: Number.POSITIVE_INFINITY, closeAfter: 90_000 },
  bep3: { askAfter: Number.POSITIVE_INFINITY, tellAfter: 100_000, closeAfter: 150_000 },
};

export interface WatchedConnection {
  progress(): {
    readonly bytesIn: number;
    readonly bytesOut: number;
    /** Whether silence is the other side's: this side is reading. */
    readonly reading: boolean;
    /** Whether the kernel still has to take something. */
    readonly writing: boolean;
  };
  ping(): void;
  idle(): void;
}

/** Keeps a silent connection open while the other side is there, and gives it up when it is not. */
export class IdleWatch {
  readonly #timers: Timers;
  readonly #times: IdleTimes;
  readonly #connection: WatchedConnection;
  #timer: Timer;
  #bytesIn = 0;
  #bytesOut = 0;
  #silence = 0;
  #quiet = 0;
  #stuck = 0;

  constructor(timers: Timers, wire: WireName, connection: WatchedConnection) {
    this.#timers = timers;
    this.#times = TIMES[wire];
    this.#connection = connection;
    this.#timer = timers.after(STEP, this.#step);
  }

  /** The kernel took something. */
  written(): void {
    this.#stuck = 0;
  }

  stop(): void {
    this.#timer.cancel();
  }

  readonly #step = (): void => {
    const { bytesIn, bytesOut, reading, writing } = this.#connection.progress();
    this.#silence = bytesIn === this.#bytesIn && reading ? this.#silence + STEP : 0;
    this.#quiet = bytesOut === this.#bytesOut ? this.#quiet + STEP : 0;
    this.#stuck = writing ? this.#stuck + STEP : 0;
    this.#bytesIn = bytesIn;
    this.#bytesOut = bytesOut;
    const { askAfter, tellAfter, closeAfter } = this.#times;
    if (this.#silence >= closeAfter || this.#stuck >= closeAfter) {
      this.#connection.idle();
      return;
    }
    this.#timer = this.#timers.after(STEP, this.#step);
    if ((this.#silence > 0 && this.#silence % askAfter === 0) || this.#quiet >= tellAfter)
      this.#connection.ping();
  };
}
