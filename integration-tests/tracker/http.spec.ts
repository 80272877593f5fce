import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { infoHash, peerId } from '@pixtorrent/core';
import { announceUrl, parseAnnounceResponse } from '@pixtorrent/tracker-protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Process } from '../support/processes.ts';
import { scoped } from '../support/scope.ts';
import { startTrackerService, type TrackerService } from '../support/tracker-service.ts';

const HOST = '127.0.0.1';
const IDLE = fileURLToPath(new URL('./idle-connections.ts', import.meta.url));

async function announce({ http }: TrackerService, port: number): Promise<number> {
  const url = announceUrl(`http://${HOST}:${http}/announce`, {
    infoHash: infoHash(new Uint8Array(20).fill(1)),
    peerId: peerId(new Uint8Array(20).fill(port)),
    port,
    uploaded: 0,
    downloaded: 0,
    left: 1,
  });
  return parseAnnounceResponse(new Uint8Array(await (await fetch(url)).arrayBuffer())).peers.length;
}

function residentMegabytes({ process }: TrackerService): number {
  const status = readFileSync(`/proc/${process.pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)![1]) / 1024;
}

/** Sends bytes, in pieces, and waits for the other side to close; whatever it says. */
function send(port: number, pieces: readonly Uint8Array[]): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST);
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    for (const piece of pieces) socket.write(piece);
    socket.end();
  });
}

/** As many as a process may have, up to 20,000. */
function mostConnections(): number {
  const limits = readFileSync('/proc/self/limits', 'latin1');
  const files = Number(/^Max open files +\d+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  return Math.min(20_000, files - 200);
}

it('serves on beside 20,000 connections that say nothing, and they cost little', () =>
  scoped(async (scope) => {
    const count = mostConnections();
    const tracker = await startTrackerService(scope);
    await announce(tracker, 1);
    const before = residentMegabytes(tracker);
    const command = [process.execPath, IDLE, HOST, String(tracker.http), String(count)];
    const idle = await Process.start(scope, 'idle connections', command);
    await idle.line('open connections', (line) => line === 'open', 150);
    const open = residentMegabytes(tracker);
    for (let port = 2; port < 200; port++) expect(await announce(tracker, port)).toBe(Math.min(port - 1, 50));
    expect(idle.stdout).toEqual(['open']);
    expect((open - before) * 1024).toBeLessThan(count * 8);
    expect(residentMegabytes(tracker) - open).toBeLessThan(40);
  }));

it('lives through thousands of broken streams, and keeps nothing of them', () =>
  scoped(async (scope) => {
    const tracker = await startTrackerService(scope);
    const line = `GET /announce?info_hash=${'%ff'.repeat(20)}&peer_id=${'p'.repeat(20)}&port=1&left=0 HTTP/1.1\r\n`;
    const valid = Buffer.from(`${line}Host: x\r\n\r\n`.repeat(3), 'latin1');
    const broken = fc
      .record({
        flips: fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { maxLength: 6 }),
        cut: fc.nat(valid.length),
        tail: fc.uint8Array({ maxLength: 40 }),
      })
      .map(({ flips, cut, tail }) => {
        const bytes = Buffer.from(valid);
        for (const [at, value] of flips) bytes[at] = value;
        return [bytes.subarray(0, cut), bytes.subarray(cut), tail];
      });
    const streams = fc.sample(broken, 3000);
    let before = 0;
    for (let at = 0; at < streams.length; at += 100) {
      await Promise.all(streams.slice(at, at + 100).map((pieces) => send(tracker.http, pieces)));
      if (at === 1000) before = residentMegabytes(tracker);
    }
    expect(await announce(tracker, 3)).toBeLessThanOrEqual(1);
    expect(residentMegabytes(tracker) - before).toBeLessThan(50);
    expect(tracker.process.log).toBe('');
  }));

it('refuses requests of 10 MB, fifty at a time, in flat memory', () =>
  scoped(async (scope) => {
    const tracker = await startTrackerService(scope);
    await announce(tracker, 1);
    const body = Buffer.alloc(10_000_000, 'a');
    const heads = [
      'POST /announce HTTP/1.1\r\nContent-Length: 10000000\r\n\r\n',
      'GET /announce?',
      'GET / HTTP/1.1\r\nX: ',
    ];
    const wave = async () => {
      for (const head of heads)
        await Promise.all(Array.from({ length: 17 }, () => send(tracker.http, [Buffer.from(head), body])));
      return residentMegabytes(tracker);
    };
    // The first takes what the garbage collector lets lie; two gigabytes more leave no more than it happens to let lie then.
    const after = await wave();
    for (let more = 0; more < 3; more++) await wave();
    expect((await wave()) - after).toBeLessThan(100);
    expect(await announce(tracker, 2)).toBe(1);
  }));
