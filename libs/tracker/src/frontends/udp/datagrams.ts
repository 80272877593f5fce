/** Who sent a packet, and takes the answer. */
export interface Sender {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Nothing is promised: what the system does not take is counted as unsent. */
  answer(packet: Uint8Array): void;
}

/** @param packet good until this returns */
export type Receive = (packet: Buffer, from: Sender) => void;

/** One bound socket. */
export interface Datagrams {
  readonly port: number;
  /** How packets are taken from the system and given to it. */
  readonly way: 'batched' | 'single';
  /** Answers that the system did not take. */
  readonly unsent: number;
  close(): void;
}

/** A place to bind to, and what to do with what comes. */
export interface Binding {
  readonly address: string;
  readonly family: 4 | 6;
  /** 0 picks one. */
  readonly port: number;
  readonly receive: Receive;
  /** Told of what is wrong with the socket itself. */
  readonly failed: (error: Error) => void;
}

/** @throws the system's error, `EADDRINUSE` for one */
export type OpenDatagrams = (binding: Binding) => Promise<Datagrams>;

/** Bytes that the system is asked to keep until they are read: bursts come faster than answers go. */
export const RECEIVE_BUFFER = 4 * 2 ** 20;
