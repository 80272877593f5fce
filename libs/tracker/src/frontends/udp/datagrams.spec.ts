import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { openBatched } from './batched-datagrams.ts';
import type { Datagrams, OpenDatagrams, Receive } from './datagrams.ts';
import { EAGAIN, type Libc, loadLibc } from './libc.ts';
import { openSingle } from './single-datagrams.ts';

const opened: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

const libc = await loadLibc();
const ways: [string, OpenDatagrams][] = [['single', openSingle]];
if (libc !== undefined) ways.push(['batched', openBatched(libc)]);
const linkLocal = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
  (list ?? [])
    .filter(({ family, address }) => family === 'IPv6' && address.startsWith('fe80:'))
    .map(({ address }) => `${address}%${name}`),
)[0];

async function listen(open: OpenDatagrams, receive: Receive, address = '127.0.0.1'): Promise<Datagrams> {
  const family = address.includes(':') ? 6 : 4;
  const failed = (error: Error) => {
    throw error;
  };
  const datagrams = await open({ address, family, port: 0, receive, failed });
  opened.push(() => datagrams.close());
  return datagrams;
}

interface Asker {
  readonly answers: Buffer[];
  send(...packets: Uint8Array[]): void;
}

async function asker({ port }: Datagrams, address = '127.0.0.1'): Promise<Asker> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  opened.push(() => socket.close());
  socket.bind(0, address);
  await once(socket, 'listening');
  const answers: Buffer[] = [];
  socket.on('message', (packet) => answers.push(packet));
  return {
    answers,
    send: (...packets) => {
      for (const packet of packets) socket.send(packet, port, address);
    },
  };
}

describe.each(ways)('datagrams, %s', (_way, open) => {
  it('come as they were sent, and are answered to where they came from', async () => {
    const received: Buffer[] = [];
    const datagrams = await listen(open, (packet, from) => {
      received.push(Buffer.from(packet));
      expect([...from.address]).toEqual([127, 0, 0, 1]);
      from.answer(packet.toReversed());
    });
    const { answers, send } = await asker(datagrams);
    const packets = Array.from({ length: 100 }, (_, i) => Buffer.alloc(i * 14, i));
    send(...packets);
    await expect.poll(() => answers.length).toBe(100);
    expect(received).toEqual(packets);
    expect(answers.map((packet) => [...packet])).toEqual(packets.map((packet) => [...packet]));
    expect(datagrams.unsent).toBe(0);
  });

  it('are answered late, too, and not after the end', async () => {
    const waiting: (() => void)[] = [];
    const datagrams = await listen(open, (packet, from) => {
      const answer = Uint8Array.from(packet);
      waiting.push(() => from.answer(answer));
    });
    const { answers, send } = await asker(datagrams);
    send(...Array.from({ length: 200 }, (_, i) => Uint8Array.of(i)));
    await expect.poll(() => waiting.length).toBe(200);
    for (const answer of waiting.splice(0, 150)) answer();
    await expect.poll(() => answers.length).toBe(150);
    expect(answers.map(([first]) => first)).toEqual(Array.from({ length: 150 }, (_, i) => i));
    datagrams.close();
    opened.splice(0, 1);
    for (const answer of waiting) answer();
  });

  it('that are too long are not sent, and counted; what comes too long is cut, or whole', async () => {
    const lengths: number[] = [];
    const datagrams = await listen(open, (packet, from) => {
      lengths.push(packet.length);
      from.answer(new Uint8Array(70_000));
      from.answer(Uint8Array.of(7));
    });
    const { answers, send } = await asker(datagrams);
    send(Buffer.alloc(3000), Buffer.alloc(3000));
    await expect.poll(() => answers.length).toBe(2);
    expect(lengths.every((length) => length >= 2048 && length <= 3000)).toBe(true);
    await expect.poll(() => datagrams.unsent).toBe(2);
  });

  it.runIf(linkLocal !== undefined)('find a link-local address by its interface', async () => {
    const datagrams = await listen(open, (packet, from) => from.answer(packet), linkLocal);
    const { answers, send } = await asker(datagrams, linkLocal);
    send(...Array.from({ length: 20 }, (_, i) => Uint8Array.of(i)));
    await expect.poll(() => answers.length).toBe(20);
  });
});

/** Sends to a port for as long as it runs, on a thread of its own. */
const FLOOD = `
  const { workerData: port } = require('node:worker_threads');
  const socket = require('node:dgram').createSocket('udp4');
  socket.connect(port, '127.0.0.1', function flood() {
    for (let i = 0; i < 64; i++) socket.send(Buffer.alloc(16));
    setImmediate(flood);
  });
`;

describe.runIf(libc !== undefined)('batches', () => {
  it('leave others their turn while more comes than can be answered', async () => {
    let [received, turn] = [0, 0];
    const datagrams = await listen(openBatched(libc!), () => {
      received++;
      turn++;
      for (const end = performance.now() + 0.02; performance.now() < end; );
    });
    const flood = new Worker(FLOOD, { eval: true, workerData: datagrams.port });
    opened.push(() => flood.terminate());
    let most = 0;
    // All is there that a turn takes when it takes more than one batch.
    while (received < 10_000 || most <= 128) {
      turn = 0;
      await new Promise(setImmediate);
      most = Math.max(most, turn);
    }
    expect(most).toBeLessThan(1000);
  });

  /** The library, of which `sendmmsg` does each thing that is told once: takes so many, or fails for so. */
  function failing(outcomes: ({ readonly takes: number } | { readonly errno: number })[]): Libc {
    let errno: number | undefined;
    return {
      ...libc!,
      sendmmsg(fd, messages, count, flags) {
        const outcome = outcomes.shift() ?? { takes: count };
        errno = 'errno' in outcome ? outcome.errno : undefined;
        return 'errno' in outcome ? -1 : libc!.sendmmsg(fd, messages, Math.min(count, outcome.takes), flags);
      },
      errno: () => errno ?? libc!.errno(),
    };
  }

  const EPERM = 1;
  const EINTR = 4;
  it.each<[string, ReturnType<Parameters<typeof failing>[0]['slice']>, number[]]>([
    ['goes on after what was taken', [{ takes: 2 }, { takes: 1 }], [0, 1, 2, 3, 4, 5]],
    ['goes on when it was interrupted', [{ takes: 2 }, { errno: EINTR }], [0, 1, 2, 3, 4, 5]],
    ['leaves out who may not be sent to', [{ takes: 2 }, { errno: EPERM }], [0, 1, 3, 4, 5]],
    ['gives up the rest where there is no room', [{ takes: 2 }, { errno: EAGAIN }], [0, 1]],
  ])('%s', async (_, outcomes, arriving) => {
    const waiting: (() => void)[] = [];
    const datagrams = await listen(openBatched(failing(outcomes)), (packet, from) => {
      const answer = Uint8Array.from(packet);
      waiting.push(() => from.answer(answer));
    });
    const { answers, send } = await asker(datagrams);
    send(...Array.from({ length: 6 }, (_, i) => Uint8Array.of(i)));
    await expect.poll(() => waiting.length).toBe(6);
    for (const answer of waiting.splice(0)) answer();
    await expect.poll(() => answers.map(([first]) => first)).toEqual(arriving);
    expect(datagrams.unsent).toBe(6 - arriving.length);
    send(Uint8Array.of(6));
    await expect.poll(() => waiting.length).toBe(1);
    waiting[0]!();
    await expect.poll(() => answers.at(-1)![0]).toBe(6);
  });
});
