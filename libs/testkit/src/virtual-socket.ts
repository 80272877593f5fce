import { Ring } from './ring.ts';
import type { VirtualHost } from './virtual-host.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A message as the network sees it. */
export interface VirtualFrame {
  /** Bytes on the wire. */
  readonly size: number;
  /** Bytes after which the receiver knows what it is; the same as `size` where it waits for the whole. */
  readonly head: number;
}

/** The owner of one end of a connection. All calls come from virtual time, never from within `send`. */
export interface SocketHandler {
  /** The whole frame has moved into the socket's send buffer. */
  accepted(frame: VirtualFrame): void;
  /** The head of a frame whose rest is still to come has arrived. */
  begun(frame: VirtualFrame): void;
  arrived(frame: VirtualFrame): void;
  /** The last call. */
  ended(cause: EndCause): void;
}

/** `idle`: nothing came for so long that the other side must be gone. */
export type EndCause = 'remote-closed' | 'network-error' | 'idle';

/** Bytes in flight that a connection may have beyond its bandwidth-delay product, and the most in all. */
const BASE_WINDOW = 64 * 1024;
const LARGEST_WINDOW = 64 * 1024 * 1024;

/**
 * One end of a connection. Its outgoing stream is four counters of bytes, each behind the one before: queued by the
 * owner, accepted into the send buffer, gone from the uplink, acknowledged by the other side.
 */
export class VirtualSocket {
  readonly host: VirtualHost;
  /** The other end; set by the network before anything moves. */
  remote!: VirtualSocket;
  handler: SocketHandler | undefined;
  /** One-way delay in milliseconds. What is on its way is never overtaken. */
  delay: number;
  /** Held by the host while it has this socket in its queue of turns. */
  awaitsTurn = false;
  /** Neither end sends or receives any more. */
  dead = false;
  readonly #time: VirtualTime;
  readonly #sendBuffer: number;
  #queued = 0;
  #accepted = 0;
  #sent = 0;
  #acknowledged = 0;
  #delivered = 0;
  /** Frames not yet delivered, the first `#acceptedFrames` of them accepted. */
  readonly #frames = new Ring<VirtualFrame>();
  #acceptedFrames = 0;
  /** Where in the stream the first frame not yet accepted, and the first not yet delivered, end. */
  #acceptedEnd = 0;
  #deliveredStart = 0;
  #begun = false;
  #finished = false;
  #pumping = false;
  readonly #flying = new Ring<number>();
  readonly #passing = new Ring<number>();
  readonly #returning = new Ring<number>();
  #lastArrival = 0;
  #lastReturn = 0;
  readonly #pump = (): void => {
    this.#pumping = false;
    this.#accept();
  };
  readonly #arrive = (): void => this.#reachHost();
  readonly #pass = (): void => this.#deliver();
  readonly #return = (): void => this.#acknowledge();

  constructor(time: VirtualTime, host: VirtualHost, delay: number, sendBuffer: number) {
    this.#time = time;
    this.host = host;
    this.delay = delay;
    this.#sendBuffer = sendBuffer;
  }

  /** Bytes queued by the owner that the send buffer had no room for yet. */
  get backlog(): number {
    return this.#queued - this.#accepted;
  }

  send(frame: VirtualFrame): void {
    if (this.dead || this.#finished) return;
    this.#queued += frame.size;
    this.#frames.push(frame);
    this.#wake();
  }

  /** Closes after all that was sent: the other side's handler hears `remote-closed`, this side's nothing more. */
  finish(): void {
    this.handler = undefined;
    if (this.dead || this.#finished) return;
    this.#finished = true;
    // A FIN takes one sequence number, so it passes through the same queues as a byte.
    this.#queued += 1;
    this.#wake();
  }

  /** Breaks the connection now: each side's handler hears `network-error`, this side's at once. */
  cut(): void {
    if (this.dead) return;
    const mine = this.handler;
    const theirs = this.remote.handler;
    this.#destroy();
    mine?.ended('network-error');
    if (theirs === undefined) return;
    this.#time.at(this.#time.now() + this.delay, () => {
      if (this.remote.host.alive) theirs.ended('network-error');
    });
  }

  /** The other side has been silent for too long: this side gives the connection up. */
  expire(): void {
    if (this.dead) return;
    const { handler } = this;
    this.#destroy();
    handler?.ended('idle');
  }

  /** Bytes that may leave by the uplink now. */
  sendable(): number {
    if (this.dead) return 0;
    return Math.min(this.#accepted - this.#sent, this.#window() - (this.#sent - this.#acknowledged));
  }

  /** `bytes` have left by the uplink. */
  left(bytes: number): void {
    if (this.dead) return;
    this.#sent += bytes;
    this.#flying.push(bytes);
    this.#lastArrival = Math.max(this.#lastArrival, this.#time.now() + this.delay);
    this.#time.at(this.#lastArrival, this.#arrive);
    this.#accept();
  }

  #window(): number {
    const rate = Math.min(this.host.uplink, this.remote.host.downlink);
    if (rate === Number.POSITIVE_INFINITY) return LARGEST_WINDOW;
    return Math.min(LARGEST_WINDOW, BASE_WINDOW + (rate * 2 * this.delay) / 1000);
  }

  #wake(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    this.#time.at(this.#time.now(), this.#pump);
  }

  #accept(): void {
    if (this.dead) return;
    this.#accepted = Math.min(this.#queued, this.#sent + this.#sendBuffer);
    for (;;) {
      const frame = this.#frames.at(this.#acceptedFrames);
      if (frame === undefined || this.#acceptedEnd + frame.size > this.#accepted) break;
      this.#acceptedEnd += frame.size;
      this.#acceptedFrames++;
      this.handler?.accepted(frame);
      if (this.dead) return;
    }
    if (this.sendable() > 0) this.host.ready(this);
  }

  #reachHost(): void {
    const bytes = this.#flying.shift();
    if (this.dead || bytes === undefined || this.remote.host.dark) return;
    this.#passing.push(bytes);
    const time = this.remote.host.receive(bytes);
    if (time <= this.#time.now()) this.#deliver();
    else this.#time.at(time, this.#pass);
  }

  #deliver(): void {
    const bytes = this.#passing.shift();
    if (this.dead || bytes === undefined || this.remote.host.dark) return;
    this.#delivered += bytes;
    this.#returning.push(bytes);
    this.#lastReturn = Math.max(this.#lastReturn, this.#time.now() + this.delay);
    if (this.delay === 0) this.#acknowledge();
    else this.#time.at(this.#lastReturn, this.#return);
    this.#hand();
  }

  #hand(): void {
    for (;;) {
      const frame = this.#frames.at(0);
      if (frame === undefined) break;
      const start = this.#deliveredStart;
      if (!this.#begun && frame.head < frame.size && this.#delivered >= start + frame.head) {
        this.#begun = true;
        this.remote.handler?.begun(frame);
        if (this.dead) return;
      }
      if (this.#delivered < start + frame.size) return;
      this.#deliveredStart = start + frame.size;
      this.#begun = false;
      this.#frames.shift();
      this.#acceptedFrames--;
      this.remote.handler?.arrived(frame);
      if (this.dead) return;
    }
    if (this.#finished && this.#delivered === this.#queued) {
      const handler = this.remote.handler;
      this.#destroy();
      handler?.ended('remote-closed');
    }
  }

  #acknowledge(): void {
    const bytes = this.#returning.shift();
    if (this.dead || bytes === undefined) return;
    this.#acknowledged += bytes;
    if (this.sendable() > 0) this.host.ready(this);
  }

  #destroy(): void {
    for (const socket of [this, this.remote] as const) {
      socket.dead = true;
      socket.handler = undefined;
      socket.host.sockets.delete(socket);
      socket.#frames.clear();
    }
  }
}
