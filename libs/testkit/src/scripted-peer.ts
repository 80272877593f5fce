import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WireName } from '@pixtorrent/peer-protocol';
import { TestkitError } from './errors.ts';

/** One frame as it stood on the wire. A BEP 3 keep-alive has the type -1. */
export interface RawFrame {
  readonly type: number;
  readonly payload: Buffer;
}

const HANDSHAKE_LENGTH = 68;
/** How long any wait may take, milliseconds. */
const DEADLINE = 5000;

/**
 * A peer on a real socket that does what a test says, byte by byte. Everything that it waits for has a deadline,
 * and what came instead is in the error's text.
 */
export class ScriptedPeer {
  readonly #socket: Socket;
  readonly #deadline: number;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: Socket, deadline: number = DEADLINE) {
    this.#socket = socket;
    this.#deadline = deadline;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => {
      this.#received = Buffer.concat([this.#received, bytes]);
      this.#wake?.();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake?.();
    };
    socket.on('end', end).on('close', end).on('error', end);
  }

  static async connect(port: number, host = '127.0.0.1', deadline: number = DEADLINE): Promise<ScriptedPeer> {
    const socket = connect({ port, host, allowHalfOpen: true });
    await once(socket, 'connect', { signal: AbortSignal.timeout(deadline) });
    return new ScriptedPeer(socket, deadline);
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** Bytes that came and that nobody has read yet. */
  get unread(): number {
    return this.#received.length;
  }

  /** Resolves when the kernel has taken the bytes. @throws TestkitError `closed`, `deadline` */
  async send(...parts: readonly Uint8Array[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => reject(this.#late('the other side to take what was sent')),
      this.#deadline,
    );
    this.#socket.write(Buffer.concat(parts), (error) => {
      if (error) reject(new TestkitError('closed', 'the connection ended while sending', { cause: error }));
      else resolve();
    });
    try {
      await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A slow loris: `size` bytes every `interval` milliseconds. Ends early when the other side closes. */
  async sendSlowly(bytes: Uint8Array, size: number, interval: number): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#ended; at += size) {
      await this.send(bytes.subarray(at, at + size));
      await sleep(interval);
    }
  }

  /** Exactly `length` bytes. @throws TestkitError `closed`, `deadline` */
  async read(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length, `${length} bytes`);
    const bytes = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return bytes;
  }

  /** @throws TestkitError `unexpected-bytes`, `closed`, `deadline` */
  async expect(expected: Uint8Array): Promise<void> {
    const bytes = await this.read(expected.length);
    if (bytes.equals(expected)) return;
    const want = Buffer.from(expected).toString('hex');
    throw new TestkitError('unexpected-bytes', `got ${bytes.toString('hex')}, want ${want}`);
  }

  /** The 68 bytes of either wire's handshake. */
  readHandshake(): Promise<Buffer> {
    return this.read(HANDSHAKE_LENGTH);
  }

  async readFrame(wire: WireName): Promise<RawFrame> {
    if (wire === 'pixwire') {
      const head = await this.read(5);
      return { type: head[0]!, payload: await this.read(head.readUInt32BE(1)) };
    }
    const length = (await this.read(4)).readUInt32BE();
    if (length === 0) return { type: -1, payload: Buffer.alloc(0) };
    const message = await this.read(length);
    return { type: message[0]!, payload: message.subarray(1) };
  }

  /** The next frame of that type; those before it are passed over. */
  async readFrameOf(wire: WireName, type: number): Promise<RawFrame> {
    for (;;) {
      const frame = await this.readFrame(wire);
      if (frame.type === type) return frame;
    }
  }

  /**
   * Waits until the other side closes the connection, or resets it.
   * @returns what it still sent
   */
  async readToEnd(): Promise<Buffer> {
    await this.#until(() => this.#ended, 'the end of the connection');
    const rest = this.#received;
    this.#received = Buffer.alloc(0);
    return rest;
  }

  /** Nothing more will be sent, but what comes is still read: a half-open connection. */
  endSending(): void {
    this.#socket.end();
  }

  /** Stops reading, so that the other side's socket fills up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes by a reset, as a machine does whose program died. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  async #until(done: () => boolean, what: string): Promise<void> {
    const end = performance.now() + this.#deadline;
    while (!done()) {
      if (this.#ended) throw new TestkitError('closed', `the connection ended before ${what} came`);
      const rest = end - performance.now();
      if (rest <= 0) throw this.#late(what);
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, rest);
      this.#wake = resolve;
      await promise;
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  #late(what: string): TestkitError {
    const seen = this.#received.subarray(0, 64).toString('hex');
    return new TestkitError(
      'deadline',
      `waited ${this.#deadline} ms for ${what}; ${this.#received.length} bytes are unread: ${seen}`,
    );
  }
}

/** A port on which scripted peers are connected to. */
export class ScriptedListener {
  readonly port: number;
  readonly #server: Server;
  readonly #deadline: number;
  readonly #peers: ScriptedPeer[] = [];
  readonly #waiting: ScriptedPeer[] = [];
  #wake: (() => void) | undefined;

  constructor(server: Server, deadline: number) {
    this.#server = server;
    this.#deadline = deadline;
    this.port = (server.address() as AddressInfo).port;
    server.on('connection', (socket) => {
      const peer = new ScriptedPeer(socket, deadline);
      this.#peers.push(peer);
      this.#waiting.push(peer);
      this.#wake?.();
    });
  }

  /** Listens on a free port of the loopback address. */
  static async listen(deadline: number = DEADLINE): Promise<ScriptedListener> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new ScriptedListener(server, deadline);
  }

  /** The next connection, in the order in which they came. @throws TestkitError `deadline` */
  async accept(): Promise<ScriptedPeer> {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#deadline);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#wake = undefined;
    const peer = this.#waiting.shift();
    if (peer === undefined) {
      throw new TestkitError('deadline', `nobody connected within ${this.#deadline} ms`);
    }
    return peer;
  }

  /** Closes the port and every connection that came by it. */
  close(): void {
    this.#server.close();
    for (const peer of this.#peers) peer.close();
  }
}
