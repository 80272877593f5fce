import { type HostRates, VirtualHost } from './virtual-host.ts';
import { VirtualSocket } from './virtual-socket.ts';
import type { VirtualTime } from './virtual-time.ts';

export interface NetworkOptions {
  /** One-way delay between two hosts, milliseconds. @default 0.1 */
  readonly delay?: number;
  /** Bytes that a socket takes before they leave. @default 262144 */
  readonly sendBuffer?: number;
  /** Bytes on the line per byte of the stream; 1538 / 1460 is TCP over Ethernet. @default 1 */
  readonly overhead?: number;
  /** How long a dialler waits for a host that answers nothing, milliseconds. @default 10000 */
  readonly dialTimeout?: number;
  /** After how long without a sign of life a connection is given up, milliseconds. @default 90000 */
  readonly silence?: number;
}

/** A network in virtual time: hosts with lines of limited rate, and connections with delay between them. */
export class VirtualNetwork {
  readonly time: VirtualTime;
  readonly #delay: number;
  readonly #sendBuffer: number;
  readonly #overhead: number;
  readonly #dialTimeout: number;
  readonly #silence: number;
  readonly #delays = new Map<string, number>();

  constructor(time: VirtualTime, options: NetworkOptions = {}) {
    this.time = time;
    this.#delay = options.delay ?? 0.1;
    this.#sendBuffer = options.sendBuffer ?? 256 * 1024;
    this.#overhead = options.overhead ?? 1;
    this.#dialTimeout = options.dialTimeout ?? 10_000;
    this.#silence = options.silence ?? 90_000;
  }

  host(name: string, rates: HostRates = {}): VirtualHost {
    return new VirtualHost(this.time, name, rates, this.#overhead);
  }

  /** The one-way delay between two hosts, for connections made from now on and for those that exist. */
  setDelay(a: VirtualHost, b: VirtualHost, delay: number): void {
    this.#delays.set(pair(a, b), delay);
    for (const socket of a.sockets) {
      if (socket.remote.host !== b) continue;
      socket.delay = delay;
      socket.remote.delay = delay;
    }
  }

  delay(a: VirtualHost, b: VirtualHost): number {
    return this.#delays.get(pair(a, b)) ?? this.#delay;
  }

  /**
   * Opens a connection and exchanges handshakes: the listener is called after one and a half round trips, the
   * dialler after two. Either sets its socket's handler when called.
   * @param failed called where the listener's host is dead: after a round trip, or the time-out where it is dark
   */
  dial(
    from: VirtualHost,
    to: VirtualHost,
    accept: (socket: VirtualSocket) => void,
    opened: (socket: VirtualSocket) => void,
    failed: () => void,
  ): void {
    const start = this.time.now();
    const delay = this.delay(from, to);
    const refuse = (time: number): void => this.time.at(time, () => from.alive && failed());
    this.time.at(start + delay, () => {
      if (to.dark) return refuse(start + this.#dialTimeout);
      if (!to.alive) return refuse(start + 2 * delay);
      const near = new VirtualSocket(this.time, from, delay, this.#sendBuffer);
      const far = new VirtualSocket(this.time, to, delay, this.#sendBuffer);
      near.remote = far;
      far.remote = near;
      from.sockets.add(near);
      to.sockets.add(far);
      near.handler = { accepted() {}, begun() {}, arrived() {}, ended: failed };
      this.time.at(start + 3 * delay, () => {
        if (far.dead || !to.alive) return;
        // Scheduled first: at equal times the handshake comes before what the listener sends after it.
        this.time.at(start + 4 * delay, () => {
          if (!near.dead && from.alive) opened(near);
        });
        accept(far);
      });
    });
  }

  /** The machine's connections break; who dials it is refused. */
  kill(host: VirtualHost): void {
    if (!host.alive) return;
    host.alive = false;
    for (const socket of [...host.sockets]) {
      socket.handler = undefined;
      socket.cut();
    }
  }

  /**
   * The machine falls silent: nothing comes back, not even a refusal, and the other ends of its connections give
   * them up when they have waited for long enough.
   */
  vanish(host: VirtualHost): void {
    host.alive = false;
    host.dark = true;
    const sockets = [...host.sockets];
    for (const socket of sockets) socket.handler = undefined;
    this.time.at(this.time.now() + this.#silence, () => {
      for (const socket of sockets) if (socket.remote.host.alive) socket.remote.expire();
    });
  }
}

function pair(a: VirtualHost, b: VirtualHost): string {
  return a.name < b.name ? `${a.name} ${b.name}` : `${b.name} ${a.name}`;
}
