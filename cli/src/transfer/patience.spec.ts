import { expect, it } from 'vitest';
import type { CliError } from '../errors.ts';
import { Patience } from './patience.ts';

function watched(limit: number) {
  const patience = new Patience(limit, 0);
  const failures: CliError[] = [];
  patience.lost = (error) => failures.push(error);
  return { patience, failures };
}

it('gives up once, after the time without a peer, and says what the tracker said', () => {
  const { patience, failures } = watched(60);
  patience.tracker('http://t.example/announce', {
    type: 'failed',
    code: 'unreachable',
    message: 'no such host',
  });
  for (let now = 0; now < 60_000; now += 1000) patience.look({ downloaded: 0, peers: 0 }, now);
  expect(failures).toEqual([]);
  for (let now = 60_000; now < 90_000; now += 1000) patience.look({ downloaded: 0, peers: 0 }, now);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatchObject({ code: 'no-peers' });
  expect(failures[0]!.message).toContain('http://t.example/announce failed: no such host');
});

it('waits as long as there is a peer, and counts anew when it has left', () => {
  const { patience, failures } = watched(60);
  for (let now = 0; now <= 600_000; now += 1000) patience.look({ downloaded: 0, peers: 1 }, now);
  patience.look({ downloaded: 0, peers: 0 }, 659_000);
  expect(failures).toEqual([]);
  patience.look({ downloaded: 0, peers: 0 }, 660_000);
  expect(failures).toHaveLength(1);
});

it('never gives up where it is told to wait for ever, or when it is over', () => {
  const { patience, failures } = watched(0);
  patience.look({ downloaded: 0, peers: 0 }, 1e9);
  const over = watched(60);
  over.patience.end();
  expect(over.patience.look({ downloaded: 0, peers: 0 }, 1e9)).toBeUndefined();
  expect([...failures, ...over.failures]).toEqual([]);
});

it('says now and then what it waits for, as long as nothing comes', () => {
  const { patience } = watched(0);
  const words: [number, string][] = [];
  for (let now = 0; now <= 40_000; now += 1000) {
    const downloaded = Math.min(now, 20_000);
    const word = patience.look({ downloaded, peers: 2 }, now);
    if (word !== undefined) words.push([now, word]);
  }
  expect(words).toEqual([[35_000, 'waiting: 2 peers connected, none gives what is missing yet']]);
});
