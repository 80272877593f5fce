/**
 * Makes the dashboards in `dashboards` from their sources in `src`. With `--check` it changes nothing, and fails where what is
 * there is not what the sources give.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { overview } from './src/overview.ts';
import { peerNode } from './src/peer-node.ts';
import { redis } from './src/redis.ts';
import { oneSwarm } from './src/swarm.ts';
import { tracker } from './src/tracker.ts';

const folder = fileURLToPath(new URL('./dashboards/', import.meta.url));

function made(): Map<string, string> {
  const boards = [overview, oneSwarm, peerNode, tracker, redis].map((board) => board.build());
  return new Map(boards.map((board) => [`${board.uid}.json`, `${JSON.stringify(board, null, 2)}\n`]));
}

function there(): Map<string, string> {
  mkdirSync(folder, { recursive: true });
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(`${folder}${name}`, 'utf8')]));
}

const [now, before] = [made(), there()];
const stale = [...new Set([...now.keys(), ...before.keys()])].filter(
  (name) => now.get(name) !== before.get(name),
);
if (!process.argv.includes('--check'))
  for (const name of stale) {
    const text = now.get(name);
    if (text === undefined) rmSync(`${folder}${name}`);
    else writeFileSync(`${folder}${name}`, text);
  }
else if (stale.length > 0) {
  process.stderr.write(`not what deploy/grafana/src gives: ${stale.join(', ')}; run npm run dashboards\n`);
  process.exitCode = 1;
}
