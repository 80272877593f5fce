import { join } from 'node:path';
import { parseMetainfo } from '@pixtorrent/metainfo';
import { describe, expect, it } from 'vitest';
import { digestTree, writeTree } from '../support/content.ts';
import { startPeerNode } from '../support/peer-node.ts';
import { run } from '../support/processes.ts';
import { requirement } from '../support/requirement.ts';
import { scoped } from '../support/scope.ts';
import { startTrackerService } from '../support/tracker-service.ts';

const TOKEN = 'a-token-of-the-tests-of-torrents';

describe.runIf(requirement('readers'))('a client that is no node', () => {
  it('joins by the torrent that a node gives, and gets what a node has made', () =>
    scoped(async (scope) => {
      const tracker = await startTrackerService(scope);
      const announce = `http://127.0.0.1:${tracker.http}/announce`;
      const env = { PEER_TOKEN: TOKEN, PEER_ANNOUNCE: announce };
      const node = await startPeerNode(scope, { tracker, env });
      const folder = await scope.folder();
      const source = join(folder, 'tree');
      await writeTree(source, { 'a.bin': 3_000_000, 'b/c.bin': 70_000 });
      const url = `http://127.0.0.1:${node.http}/v1/content/team/tree`;
      const put = `curl -sf -H 'authorization: Bearer ${TOKEN}' -H 'content-type: application/x-tar' -T - ${url}/`;
      await run(['sh', '-c', `tar -C '${source}' -cf - . | ${put}`]);

      const given = await fetch(`${url}?format=torrent`);
      expect(given.headers.get('content-disposition')).toBe('attachment; filename="team+tree@1.torrent"');
      const metainfo = parseMetainfo(new Uint8Array(await given.arrayBuffer()));
      expect(metainfo.trackers).toEqual([[announce]]);
      const refused = await fetch(`${url}/a.bin?format=torrent`);
      expect([refused.status, await refused.text()]).toEqual([
        404,
        expect.stringContaining('all of a content'),
      ]);

      await run(['curl', '-sfOJ', '--output-dir', folder, `${url}?format=torrent`]);
      const quiet = ['--quiet', '--no-conf', '--enable-dht=false', '--bt-enable-lpd=false', '--seed-time=0'];
      const got = join(folder, 'got');
      await run(['aria2c', ...quiet, '-d', got, join(folder, 'team+tree@1.torrent')]);
      expect(await digestTree(join(got, 'tree'))).toEqual(await digestTree(source));
    }));
});
