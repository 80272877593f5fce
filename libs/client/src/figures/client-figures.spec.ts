import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Stage, until } from '../fixtures/stage.ts';
import { Distribution, type DistributionFigures } from './distribution.ts';

let stage: Stage;

beforeEach(async () => {
  stage = await Stage.open({ 'a.bin': 3_000_000, 'b.bin': 70_001 });
});

afterEach(() => stage.close());

const total = (figures: DistributionFigures) => figures.counts.reduce((sum, count) => sum + count, 0);

describe('figures of a client', () => {
  it('add up to what was moved, while it is connected and afterwards', async () => {
    const seeder = await stage.seeder();
    const { client, session } = await stage.leecher('target', [seeder.client], { wires: ['pixwire'] });
    await once(session, 'piece');
    const [peer] = session.peers();
    const [other] = seeder.session.peers();
    expect(peer).toMatchObject({
      wire: 'pixwire',
      incoming: false,
      encrypted: false,
      seeder: true,
      chokesUs: false,
    });
    expect(other).toMatchObject({ wire: 'pixwire', incoming: true, choked: false, interested: true });
    expect(Buffer.from(peer!.peerId).equals(seeder.session.peerId)).toBe(true);
    expect(client.figures().peers).toMatchObject({ connected: 1, incoming: 0, seeders: 1, interesting: 1 });
    if (!session.complete) await once(session, 'complete');
    await until(() => session.peers().length === 0);
    const { length } = stage.content;
    const figures = client.figures();
    expect(figures).toMatchObject({
      torrents: 1,
      received: { pixwire: length, bep3: 0 },
      useful: length,
      duplicate: 0,
      wasted: 0,
      piecesVerified: stage.metainfo.pieceCount,
      piecesFailed: 0,
      peers: { connected: 0 },
      writing: 0,
    });
    expect([total(figures.hash), total(figures.diskWrite), total(figures.firstPeer)]).toEqual([
      stage.metainfo.pieceCount,
      stage.metainfo.pieceCount,
      1,
    ]);
    expect(Object.values(figures.disconnects)).toEqual([1]);
    const given = seeder.client.figures();
    expect(given.sent).toEqual({ pixwire: length, bep3: 0 });
    expect(total(given.diskRead)).toBe(given.cache.misses);
    await client.remove(session);
    expect(client.figures()).toMatchObject({ torrents: 0, received: { pixwire: length }, useful: length });
  });

  it('count values up to each bound, and those above the last', () => {
    const distribution = new Distribution([1, 10]);
    for (const value of [0, 1, 1.5, 10, 11, 12]) distribution.record(value);
    expect(distribution.figures()).toEqual({ bounds: [1, 10], counts: [2, 2, 2], sum: 35.5 });
  });
});
