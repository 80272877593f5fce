import { expect, it } from 'vitest';
import { startGet, startSeed } from '../support/clients/pixtorrent.ts';
import { digestTree } from '../support/content.ts';
import { scoped } from '../support/scope.ts';
import { lyingPeer } from '../support/scripted-peer.ts';
import { fixture, PIECE_LENGTH } from './fixture.ts';

const BLOCK = 16_384;

it('bans a peer that sends bad data, and ends whole by the honest one', () =>
  scoped(async (scope) => {
    const { torrent, folder, size, digests } = await fixture(scope, 64 << 20);
    const seed = await startSeed(scope, { torrent, folder, port: 0 }, '--upload-rate', '16MiB');
    const liar = await lyingPeer(scope, size / PIECE_LENGTH);
    const target = await scope.folder();
    const get = await startGet(
      scope,
      { torrent, folder: target, port: 0, peers: [liar.endpoint, seed.endpoint] },
      '--stay',
    );
    await get.line('completion', (line) => line.includes('"complete"'), 60);
    expect(await digestTree(target)).toEqual(digests);
    expect(liar.seen.blocks, 'the liar was never asked').toBeGreaterThan(0);
    expect(liar.seen.open, 'the liar is still connected').toBe(0);
    expect(liar.seen.connections, 'the liar was dialled again').toBe(1);
    // It is fast, and can give much before the first hash is known; but nothing is asked of it again.
    expect(liar.seen.blocks, 'the liar was asked again').toBeLessThanOrEqual(size / BLOCK);
  }));
