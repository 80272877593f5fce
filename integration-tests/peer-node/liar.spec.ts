import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '@pixtorrent/core';
import { parseMetainfo } from '@pixtorrent/metainfo';
import { describe, expect, it } from 'vitest';
import { until } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { type LyingPeer, lyingPeer } from '../support/scripted-peer.ts';
import { type Acknowledged, makeContent, metricsOf, NodeSwarm } from './node-swarm.ts';

const PIECE_LENGTH = 64 << 10;
const BLOCK = 16 << 10;
const SIZE = 24 << 20;
/** Of the liar's blocks. */
const WRONG = 0.3;

describe.runIf(requirement('redis'))('a peer that lies at times', () => {
  it('is banned by every node that asks it; all end whole, and their metrics tell', () =>
    scoped(async (scope) => {
      // Slow enough for everybody to ask the liar too.
      const swarm = await NodeSwarm.start(scope, 1, { PEER_UPLOAD_RATE: '4MiB' });
      const source = await makeContent(scope, 'model', SIZE);
      const [ingest] = swarm.nodes;
      const content = await swarm.publish(ingest!, 'models/a', source, { pieceLength: PIECE_LENGTH });
      const liar = await joinedLiar(scope, swarm, content);
      const others = await Promise.all([1, 2, 3, 4].map((i) => swarm.add({ name: `other${i}` })));

      await swarm.allHold(content, 60);
      for (const node of others) expect(await swarm.onDisk(node, content)).toEqual(content.digests);
      for (const node of others) {
        const metrics = await metricsOf(node);
        expect([node.name, metrics.get('pixtorrent_peer_bans_total{cause="bad-piece"}')]).toEqual([
          node.name,
          1,
        ]);
        expect(metrics.get('pixtorrent_peer_pieces_total{result="failed"}')).toBeGreaterThan(0);
      }
      await until(
        10,
        () => liar.seen.open === 0 || undefined,
        () => new Error('the liar is still connected'),
      );
      expect(liar.seen.connections, 'it was dialled again').toBeLessThanOrEqual(swarm.nodes.length);
      const all = (others.length * SIZE) / BLOCK;
      expect(liar.seen.blocks, 'it was asked on and on').toBeLessThan(all / 4);
    }));
});

/** It has registered with the tracker like any other client. */
async function joinedLiar(scope: Scope, swarm: NodeSwarm, content: Acknowledged): Promise<LyingPeer> {
  const metainfo = parseMetainfo(await swarm.torrentFile(content));
  const files = metainfo.files.map(({ path }) => readFile(join(content.folder, ...path.slice(1))));
  const random = new SeededRandom(7);
  const liar = await lyingPeer(scope, metainfo.pieceCount, {
    content: Buffer.concat(await Promise.all(files)),
    pieceLength: metainfo.pieceLength,
    lies: () => random.below(1000) < WRONG * 1000,
  });
  await swarm.announce(content.infoHash, liar.peerId, liar.endpoint.port);
  return liar;
}
