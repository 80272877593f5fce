import { Ring } from './ring.ts';
import type { VirtualSocket } from './virtual-socket.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Bytes that one connection sends before the next has its turn: a TSO burst, as fair queueing hands them out. */
const QUANTUM = 16 * 1024;

/** Bytes per second in each direction; `Infinity` for no limit, 0 for a line that stands still. */
export interface HostRates {
  /** @default Infinity */
  readonly uplink?: number;
  /** @default Infinity */
  readonly downlink?: number;
}

/**
 * A machine with one line. The uplink takes turns between the connections that have something to send; the
 * downlink serves what arrives in order.
 */
export class VirtualHost {
  readonly name: string;
  readonly sockets = new Set<VirtualSocket>();
  /** False once it was killed or vanished. */
  alive = true;
  /** Answers nothing, not even by a reset: a machine without power, or one behind a broken line. */
  dark = false;
  /** Bytes on the wire so far, headers included. */
  bytesSent = 0;
  bytesReceived = 0;
  readonly #time: VirtualTime;
  readonly #overhead: number;
  #uplink: number;
  #downlink: number;
  readonly #turns = new Ring<VirtualSocket>();
  #sending: VirtualSocket | undefined;
  #sendingBytes = 0;
  #downlinkFree = 0;
  readonly #quantumSent = (): void => this.#finishQuantum();

  /** `overhead`: bytes on the line per byte of the stream. */
  constructor(time: VirtualTime, name: string, rates: HostRates, overhead: number) {
    this.#time = time;
    this.name = name;
    this.#overhead = overhead;
    this.#uplink = rates.uplink ?? Number.POSITIVE_INFINITY;
    this.#downlink = rates.downlink ?? Number.POSITIVE_INFINITY;
  }

  get uplink(): number {
    return this.#uplink;
  }

  get downlink(): number {
    return this.#downlink;
  }

  /** Takes effect with the next quantum; what is on its way keeps its speed. */
  setRates(rates: HostRates): void {
    this.#uplink = rates.uplink ?? this.#uplink;
    this.#downlink = rates.downlink ?? this.#downlink;
    this.#startQuantum();
  }

  /** Called by a socket that has bytes which may leave. */
  ready(socket: VirtualSocket): void {
    if (socket.awaitsTurn) return;
    socket.awaitsTurn = true;
    this.#turns.push(socket);
    if (this.#sending === undefined) this.#startQuantum();
  }

  /** When bytes that reach this host now have passed its downlink. */
  receive(bytes: number): number {
    this.bytesReceived += bytes;
    const now = this.#time.now();
    if (this.#downlink === Number.POSITIVE_INFINITY) return now;
    this.#downlinkFree =
      Math.max(this.#downlinkFree, now) + (bytes * this.#overhead * 1000) / Math.max(this.#downlink, 1e-9);
    return this.#downlinkFree;
  }

  #startQuantum(): void {
    if (this.#sending !== undefined || this.#uplink <= 0) return;
    for (;;) {
      const socket = this.#turns.shift();
      if (socket === undefined) return;
      socket.awaitsTurn = false;
      const bytes = Math.min(QUANTUM, socket.sendable());
      if (bytes <= 0) continue;
      this.#sending = socket;
      this.#sendingBytes = bytes;
      this.#time.at(this.#time.now() + (bytes * this.#overhead * 1000) / this.#uplink, this.#quantumSent);
      return;
    }
  }

  #finishQuantum(): void {
    const socket = this.#sending!;
    const bytes = this.#sendingBytes;
    this.#sending = undefined;
    if (this.alive) {
      this.bytesSent += bytes;
      socket.left(bytes);
      if (socket.sendable() > 0) this.ready(socket);
    }
    this.#startQuantum();
  }
}
