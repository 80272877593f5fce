import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { type LookupAddress, lookup } from 'node:dns';
import { printable } from '@pixtorrent/core';
import {
  TrackerError,
  UDP_MAX_SCRAPE,
  UdpExchange,
  type UdpQuestion,
  type UdpStep,
} from '@pixtorrent/tracker-protocol';
import type { Deadline } from './deadline.ts';

type UdpEnd = Exclude<UdpStep, { readonly type: 'send' | 'failed' }>;

/** Repetitions within the time that a question has: at 1/8, 3/8 and 7/8 of it, but not slower than BEP 15 says. */
const REPEAT_SHARE = 8;
const SLOWEST_REPEAT = 15_000;

/**
 * Asks a UDP tracker (BEP 15) at the first address of each family that its name has, one after the other.
 * @throws TrackerError
 */
export async function askUdp(url: URL, question: UdpQuestion, limit: Deadline): Promise<UdpEnd> {
  if (url.port === '' || url.port === '0')
    throw new TrackerError('unsupported', 'a UDP tracker needs a port');
  if (question.type === 'scrape' && question.infoHashes.length > UDP_MAX_SCRAPE)
    throw new TrackerError('unsupported', `a UDP scrape names at most ${UDP_MAX_SCRAPE} torrents`);
  const addresses = await addressesOf(url.hostname.replace(/^\[|\]$/g, ''), limit);
  let failure: unknown;
  for (let i = 0; i < addresses.length; i++) {
    const budget = (limit.at - performance.now()) / (addresses.length - i);
    try {
      return await exchange(addresses[i]!, Number(url.port), question, budget, limit.signal);
    } catch (error) {
      if (limit.signal.aborted) throw limit.signal.reason;
      failure = error;
    }
  }
  throw failure;
}

/** The first address of each family, in the system's order. */
async function addressesOf(host: string, { signal }: Deadline): Promise<LookupAddress[]> {
  const all = await new Promise<LookupAddress[]>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    lookup(host, { all: true }, (error, addresses) => {
      signal.removeEventListener('abort', abort);
      if (error) reject(new TrackerError('unreachable', printable(error.message), { cause: error }));
      else resolve(addresses);
    });
  });
  const first = [4, 6].map((family) => all.find((address) => address.family === family));
  const found = first.filter((address) => address !== undefined);
  if (found.length === 0) throw new TrackerError('unreachable', 'the name has no address');
  return found.sort((a, b) => all.indexOf(a) - all.indexOf(b));
}

function exchange(
  { address, family }: LookupAddress,
  port: number,
  question: UdpQuestion,
  budget: number,
  signal: AbortSignal,
): Promise<UdpEnd> {
  const machine = new UdpExchange(question, {
    addressLength: family === 6 ? 16 : 4,
    newTransaction: () => randomInt(2 ** 32),
    baseTimeout: Math.min(budget / REPEAT_SHARE, SLOWEST_REPEAT),
    maxRepeats: 3,
  });
  return new Promise<UdpEnd>((resolve, reject) => {
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    let timer: NodeJS.Timeout | undefined;

    const finish = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.removeAllListeners();
      // An error that comes between here and the close concerns nobody any more.
      socket.on('error', () => {});
      socket.close();
      settle();
    };
    const fail = (error: unknown) => finish(() => reject(error));
    const abort = () => fail(signal.reason);
    const act = (step: UdpStep | undefined) => {
      if (step === undefined) return;
      if (step.type === 'failed') return fail(step.error);
      if (step.type !== 'send') return finish(() => resolve(step));
      socket.send(step.packet);
      clearTimeout(timer);
      timer = setTimeout(tick, Math.max(0, machine.nextTimeout - performance.now()));
    };
    const tick = () => {
      const now = performance.now();
      // A timer may come a little early.
      if (now < machine.nextTimeout) timer = setTimeout(tick, Math.ceil(machine.nextTimeout - now));
      else act(machine.handleTimeout(now));
    };

    socket.on('error', (error) =>
      fail(new TrackerError('unreachable', printable(error.message), { cause: error })),
    );
    socket.on('message', (packet) => act(machine.receive(packet, performance.now())));
    // On a connected socket the system drops what comes from any other address.
    socket.on('connect', () => act(machine.start(performance.now())));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.connect(port, address);
  });
}
