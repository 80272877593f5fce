import { infoHash, peerId } from '@pixtorrent/core';
import { describe, expect, it } from 'vitest';
import { UdpExchange, type UdpExchangeOptions, type UdpQuestion, type UdpStep } from './udp-exchange.ts';
import {
  encodeUdpAnnounceAnswer,
  encodeUdpConnectAnswer,
  encodeUdpError,
  encodeUdpScrapeAnswer,
  parseUdpRequest,
  type UdpRequest,
} from './udp-server.ts';

const HASH = infoHash(new Uint8Array(20).fill(1));
const QUESTION: UdpQuestion = {
  type: 'announce',
  request: {
    infoHash: HASH,
    peerId: peerId(new Uint8Array(20).fill(2)),
    port: 6881,
    uploaded: 0,
    downloaded: 0,
    left: 1,
  },
};
const ANSWER = {
  interval: 120,
  minInterval: 10,
  seeders: 1,
  leechers: 0,
  peers: {
    v4: Uint8Array.of(192, 0, 2, 1, 0, 80),
    v6: new Uint8Array(0),
    ids: new Uint8Array(0),
    traits: new Uint8Array(0),
  },
};

function exchange(question: UdpQuestion = QUESTION, options: Partial<UdpExchangeOptions> = {}): UdpExchange {
  let transaction = 100;
  return new UdpExchange(question, { addressLength: 4, newTransaction: () => transaction++, ...options });
}

function sent(step: UdpStep | undefined): UdpRequest {
  if (step?.type !== 'send') throw new Error(`${step?.type} instead of a packet`);
  return parseUdpRequest(step.packet)!;
}

describe('UdpExchange', () => {
  it('connects, asks, and gives the answer', () => {
    const machine = exchange();
    expect(sent(machine.start(0))).toEqual({ type: 'connect', transaction: 100 });
    const ask = sent(machine.receive(encodeUdpConnectAnswer(100, 77n), 10));
    expect(ask).toMatchObject({ type: 'announce', transaction: 101, connection: 77n });
    expect(machine.receive(encodeUdpAnnounceAnswer(101, ANSWER, 4), 20)).toEqual({
      type: 'announced',
      response: { interval: 120, seeders: 1, leechers: 0, peers: [{ host: '192.0.2.1', port: 80 }] },
    });
    expect(machine.nextTimeout).toBe(Number.POSITIVE_INFINITY);
    expect(machine.receive(encodeUdpAnnounceAnswer(101, ANSWER, 4), 30)).toBeUndefined();
  });

  it('does not hear answers to other transactions, of other kinds, or cut ones', () => {
    const machine = exchange();
    machine.start(0);
    expect(machine.receive(encodeUdpConnectAnswer(99, 66n), 1)).toBeUndefined();
    expect(machine.receive(encodeUdpError(99, 'forged'), 1)).toBeUndefined();
    expect(machine.receive(encodeUdpAnnounceAnswer(100, ANSWER, 4), 1)).toBeUndefined();
    expect(machine.receive(encodeUdpConnectAnswer(100, 66n).slice(0, 15), 1)).toBeUndefined();
    sent(machine.receive(encodeUdpConnectAnswer(100, 77n), 2));
    expect(machine.receive(encodeUdpConnectAnswer(101, 66n), 3)).toBeUndefined();
    expect(machine.receive(encodeUdpScrapeAnswer(101, [undefined]), 3)).toBeUndefined();
    expect(machine.receive(encodeUdpAnnounceAnswer(101, ANSWER, 4), 4)?.type).toBe('announced');
  });

  it('repeats after 15 · 2ⁿ seconds up to n = 8, then gives up', () => {
    const machine = exchange();
    machine.start(0);
    const waits: number[] = [];
    let now = 0;
    for (;;) {
      waits.push((machine.nextTimeout - now) / 1000);
      expect(machine.handleTimeout(machine.nextTimeout - 1)).toBeUndefined();
      now = machine.nextTimeout;
      const step = machine.handleTimeout(now);
      if (step?.type === 'failed') {
        expect(step.error.code).toBe('timeout');
        break;
      }
      expect(sent(step)).toEqual({ type: 'connect', transaction: 100 });
    }
    expect(waits).toEqual([15, 30, 60, 120, 240, 480, 960, 1920, 3840]);
  });

  it('gives up sooner where it is told to', () => {
    const machine = exchange(QUESTION, { baseTimeout: 100, maxRepeats: 1 });
    machine.start(0);
    sent(machine.handleTimeout(100));
    expect(machine.handleTimeout(300)?.type).toBe('failed');
  });

  it('uses a connection for 60 s and then asks for another', () => {
    const machine = exchange();
    machine.start(0);
    sent(machine.receive(encodeUdpConnectAnswer(100, 77n), 0));
    expect(sent(machine.handleTimeout(15_000))).toMatchObject({ type: 'announce', transaction: 101 });
    expect(sent(machine.handleTimeout(45_000))).toMatchObject({ type: 'announce', transaction: 101 });
    expect(sent(machine.handleTimeout(105_000))).toEqual({ type: 'connect', transaction: 102 });
    const again = sent(machine.receive(encodeUdpConnectAnswer(102, 78n), 105_100));
    expect(again).toMatchObject({ type: 'announce', connection: 78n });
  });

  it('ends with the reason of a refusal', () => {
    const machine = exchange();
    machine.start(0);
    const step = machine.receive(encodeUdpError(100, 'closed'), 1);
    expect(step?.type === 'failed' && [step.error.code, step.error.message]).toEqual(['refused', 'closed']);
  });

  it('scrapes, and wants a figure for each torrent', () => {
    const scrape = { type: 'scrape', infoHashes: [HASH, HASH] } as const;
    const figures = { seeders: 1, leechers: 2, completed: 3 };
    for (const [count, end] of [
      [2, 'scraped'],
      [1, 'failed'],
      [3, 'failed'],
    ] as const) {
      const machine = exchange(scrape);
      machine.start(0);
      machine.receive(encodeUdpConnectAnswer(100, 1n), 0);
      const step = machine.receive(encodeUdpScrapeAnswer(101, Array(count).fill(figures)), 0);
      expect(step?.type).toBe(end);
    }
  });
});
