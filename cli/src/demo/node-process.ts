import { silentLogger } from '@pixtorrent/core';
import {
  bootstrap,
  type PeerPorts,
  type RunningPeerService,
  readPeerConfig,
} from '@pixtorrent/peer-node-service';
import { verboseLogger } from '../output/verbose-logger.ts';

/** What a node's process says to the one that started it. */
export type NodeWord =
  | { readonly type: 'ready'; readonly ports: PeerPorts }
  | { readonly type: 'failed'; readonly message: string };

let running: RunningPeerService | undefined;

// A terminal's Ctrl-C comes to the whole group of processes: the one that started this one says what follows from it.
process.on('SIGINT', () => {});
process.once('SIGTERM', () => void leave());
// It was killed, and nobody is left to leave in good order for.
process.once('disconnect', () => process.exit(1));

try {
  const verbose = process.argv[2] === 'verbose';
  running = await bootstrap(readPeerConfig(process.env), {
    logger: verbose ? verboseLogger() : silentLogger,
  });
  await running.registered();
  say({ type: 'ready', ports: running.ports });
} catch (error) {
  say({ type: 'failed', message: error instanceof Error ? error.message : String(error) }, () =>
    process.exit(1),
  );
}

async function leave(): Promise<void> {
  await running?.close();
  process.exit(0);
}

function say(word: NodeWord, done: () => void = () => {}): void {
  process.send?.(word, done);
}
