/**
 * Takes the pictures of the live page that the documents show: `npm run screenshots`. A swarm of real nodes on this
 * machine, in three zones, half way through a roll-out.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeContent, NodeSwarm } from '../peer-node/node-swarm.ts';
import { openPage } from '../support/browser.ts';
import { startMetricsService } from '../support/metrics-service.ts';
import { until } from '../support/processes.ts';
import { scoped } from '../support/scope.ts';
import { withPalette } from './palette-png.ts';

const HOST = '127.0.0.1';
const FOLDER = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const NODES = 9;
const SIZE = 64e6;
/** Bytes of a picture. */
const LARGEST = 150_000;

await scoped(async (scope) => {
  const metrics = await startMetricsService(scope);
  const origin = `http://${HOST}:${metrics.http}`;
  const swarm = await NodeSwarm.start(scope, 0);
  const add = (n: number) =>
    swarm.add({
      name: n === 0 ? 'ingest' : `node-${n}`,
      env: {
        PEER_METRICS: `${HOST}:${metrics.grpc}`,
        PEER_ZONE: `zone-${'abc'[n % 3]}`,
        PEER_DOWNLOAD_RATE: '3MiB',
        PEER_UPLOAD_RATE: '6MiB',
      },
    });
  const ingest = await add(0);
  for (let n = 1; n < NODES; n++) await add(n);
  const path = `/#/swarms/${encodeURIComponent('models/llama-70b@1')}`;
  const pages = await Promise.all(
    (['light', 'dark'] as const).map(async (colorScheme) => {
      const viewport = { width: 1280, height: 720 };
      return { colorScheme, ...(await openPage(scope, origin, path, { colorScheme, viewport })) };
    }),
  );
  const source = await makeContent(scope, 'model', SIZE);
  await swarm.publish(ingest, 'models/llama-70b', source, { pieceLength: 524_288 });
  await until(
    120,
    async () => {
      const response = await fetch(`${origin}/v1/swarms/models%2Fllama-70b@1`);
      if (!response.ok) return undefined;
      const health = (await response.json()) as { nodes: number; completion: { p50: number } };
      return (health.nodes === NODES && health.completion.p50 > 0.45) || undefined;
    },
    () => new Error('the swarm does not come half way'),
  );
  mkdirSync(FOLDER, { recursive: true });
  const pictures = await Promise.all(
    pages.map(async ({ page, colorScheme }) => ({
      file: `${FOLDER}swarm-${colorScheme}.png`,
      png: await page.screenshot({ fullPage: true }),
    })),
  );
  for (const { file, png } of pictures) {
    const small = withPalette(png);
    if (small.length > LARGEST) throw new Error(`${file} has ${small.length} bytes, ${LARGEST} are allowed`);
    writeFileSync(file, small);
  }
});
