import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { infoHash, peerId } from '@pixtorrent/core';
import { announce } from '@pixtorrent/node-io';
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnswer,
} from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';

const HOST = '127.0.0.1';
const REQUEST = {
  infoHash: infoHash(new Uint8Array(20).fill(3)),
  peerId: peerId(new Uint8Array(20).fill(4)),
  port: 1,
  uploaded: 0,
  downloaded: 0,
  left: 1,
};

/** What makes calls of the C library is not there: as on a machine for which there is none. */
const WITHOUT_KOFFI = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (name === 'koffi') throw new Error('not installed');
      return next(name, context);
    },
  });
`)}`;

/** How packets go in and out, as the metrics tell it; and what the service is started with for that. */
const WAYS: [string, number, Record<string, string>][] = [
  ['in batches', 1, {}],
  ['one by one', 0, { NODE_OPTIONS: `--import=${WITHOUT_KOFFI}` }],
];

async function metricsOf({ ops }: TrackerService): Promise<string> {
  return (await fetch(`http://${HOST}:${ops}/metrics`)).text();
}

/** Packets that were refused, by reason. */
async function refusals(tracker: TrackerService): Promise<Record<string, number>> {
  const metrics = await metricsOf(tracker);
  const lines = metrics.matchAll(/^pixtorrent_tracker_udp_refused_total\{reason="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, reason, count]) => [reason, Number(count)]));
}

it.each(WAYS)(
  'lives through a hundred thousand broken and forged packets in flat memory, %s, and sends no more than came',
  (_, batched, env) =>
    scoped(async (scope) => {
      const tracker = await startTrackerService(scope, { env });
      expect(await metricsOf(tracker)).toContain(`pixtorrent_tracker_udp_batched ${batched}\n`);
      const url = `udp://${HOST}:${tracker.udp}`;
      const socket = createSocket('udp4');
      scope.defer(() => socket.close());
      socket.bind(0, HOST);
      await once(socket, 'listening');
      let received = 0;
      socket.on('message', (packet) => {
        received += packet.length;
        expect(parseUdpAnswer(packet, 4)?.type).not.toBe('announce');
      });
      const whole = [
        encodeUdpConnect(1),
        encodeUdpAnnounce(0x1234n, 2, { ...REQUEST, numWant: 200 }, '/key/announce'),
        encodeUdpScrape(0x1234n, 3, Array(40).fill(REQUEST.infoHash)),
      ];
      const broken = fc
        .record({
          packet: fc.constantFrom(...whole),
          flips: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
          cut: fc.option(fc.nat(), { freq: 1 }),
        })
        .map(({ packet, flips, cut }) => {
          const bytes = packet.slice(0, cut === null ? packet.length : cut % packet.length);
          for (const [at, value] of flips) if (bytes.length > 0) bytes[at % bytes.length] = value;
          return bytes;
        });
      const packets = fc.sample(broken, 1000);
      const resident = () =>
        Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${tracker.process.pid}/status`, 'latin1'))![1]) /
        1024;
      let sent = 0;
      let before = 0;
      for (let round = 0; round < 100; round++) {
        for (const packet of packets) {
          socket.send(packet, tracker.udp, HOST);
          sent += packet.length;
        }
        // Paced by what is answered: what the system drops tests nothing.
        expect((await announce(url, { ...REQUEST, port: 1 + round })).leechers).toBe(round + 1);
        if (round === 50) before = resident();
      }
      const { malformed = 0, connection = 0 } = await refusals(tracker);
      expect(malformed).toBeGreaterThan(10_000);
      expect(connection).toBeGreaterThan(10_000);
      expect(received).toBeLessThanOrEqual(sent);
      expect(resident() - before).toBeLessThan(40);
      expect(tracker.process.log).toBe('');
    }),
);

it('counts what is asked over UDP', () =>
  scoped(async (scope) => {
    const tracker = await startTrackerService(scope);
    await announce(`udp://${HOST}:${tracker.udp}`, { ...REQUEST, event: 'started' });
    const line = 'pixtorrent_tracker_announces_total{frontend="udp",event="started",result="ok"} 1\n';
    await until(
      30,
      async () => (await metricsOf(tracker)).includes(line) || undefined,
      () => tracker.process.failure('did not count the announce'),
    );
  }));
