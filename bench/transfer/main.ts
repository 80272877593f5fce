/** One seed and one leech, two processes that talk over loopback. */
import { join } from 'node:path';
import type { Running } from '../../integration-tests/support/clients/client.ts';
import { createByLibtorrent } from '../../integration-tests/support/clients/libtorrent.ts';
import { opentracker, opentrackerUrl } from '../../integration-tests/support/clients/opentracker.ts';
import { digestTree } from '../../integration-tests/support/content.ts';
import { network, trafficSeenBy } from '../../integration-tests/support/namespaces.ts';
import { run } from '../../integration-tests/support/processes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';
import type { Contender } from '../measure/contenders.ts';
import { costOf } from '../measure/cost.ts';
import { type BenchOptions, parseOptions } from '../measure/options.ts';
import type { Figure } from '../measure/report.ts';
import { measure } from '../measure/rounds.ts';

const SEED_PORT = 7001;
const GET_PORT = 7002;
const SECONDS = 300;
/** More than any two clients say to each other before the first block. */
const FIRST_BYTES = 256 << 10;

interface Round {
  /** Seconds from the first payload to the last verified piece. */
  readonly transfer: number;
  /** Seconds from the start of the downloading process to the last verified piece. */
  readonly wall: number;
  /** CPU seconds of each side from the first payload on. */
  readonly seedCpu: number;
  readonly getCpu: number;
  readonly seedMemory: number;
  readonly getMemory: number;
}

const options = parseOptions({
  size: 2 ** 30,
  rounds: 5,
  clients: ['pixwire', 'bep3', 'libtorrent', 'aria2'],
  pieceLength: 2 ** 20,
});

const gib = options.size / 2 ** 30;
const figures: readonly Figure<Round>[] = [
  { name: 'throughput', unit: 'MB/s', digits: 0, of: (round) => options.size / 1e6 / round.transfer },
  { name: 'with start-up', unit: 'MB/s', digits: 0, of: (round) => options.size / 1e6 / round.wall },
  { name: 'CPU, both', unit: 's/GiB', digits: 2, of: (round) => (round.seedCpu + round.getCpu) / gib },
  { name: 'CPU, seed', unit: 's/GiB', digits: 2, of: (round) => round.seedCpu / gib },
  { name: 'CPU, leech', unit: 's/GiB', digits: 2, of: (round) => round.getCpu / gib },
  { name: 'peak memory, seed', unit: 'MB', digits: 0, of: (round) => round.seedMemory / 1e6 },
  { name: 'peak memory, leech', unit: 'MB', digits: 0, of: (round) => round.getMemory / 1e6 },
];

await measure('transfer', 'One seed to one leech over loopback', options, figures, transfer);

async function transfer(
  scope: Scope,
  { client, env }: Contender,
  folder: string,
  digests: string,
  { pieceLength }: BenchOptions,
): Promise<Round> {
  // A namespace of its own, so that its loopback device counts this transfer alone.
  const [host] = await network(scope, { hosts: 1 });
  const torrent = join(await scope.folder(), 'content.torrent');
  const infoHash = await createByLibtorrent(
    join(folder, 'content.bin'),
    torrent,
    opentrackerUrl(host),
    pieceLength,
  );
  if (!client.takesPeers) await opentracker(scope, [infoHash], host);
  const shared = { torrent, host, ...(env && { env }) };
  const seed = await client.seed(scope, { ...shared, folder, port: SEED_PORT });
  await run(['sync']);

  const target = await scope.folder();
  const peers = client.takesPeers ? [{ host: host!.address, port: SEED_PORT }] : [];
  const started = performance.now();
  const get = await client.get(scope, { ...shared, folder: target, port: GET_PORT, peers });
  const first = firstPayload(seed, get);
  try {
    await get.complete(SECONDS);
  } finally {
    first.stop();
  }
  const ended = performance.now();
  const seedCost = costOf(seed.process.pid);
  const getCost = costOf(get.process.pid);
  await get.process.stop();
  if (JSON.stringify(await digestTree(target)) !== digests)
    throw get.process.failure('delivered other bytes');
  if (!first.seen) throw get.process.failure('was complete before a payload was seen');
  return {
    transfer: (ended - first.seen.at) / 1000,
    wall: (ended - started) / 1000,
    seedCpu: seedCost.cpu - first.seen.seedCpu,
    getCpu: getCost.cpu - first.seen.getCpu,
    seedMemory: seedCost.peakMemory,
    getMemory: getCost.peakMemory,
  };
}

interface FirstPayload {
  seen?: { readonly at: number; readonly seedCpu: number; readonly getCpu: number };
  stop(): void;
}

/** Watches the device that both sides share: no client needs to tell when it began. */
function firstPayload(seed: Running, get: Running): FirstPayload {
  const base = trafficSeenBy(seed.process.pid, 'lo').sent;
  const result: FirstPayload = { stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    if (trafficSeenBy(seed.process.pid, 'lo').sent - base < FIRST_BYTES) return;
    clearInterval(timer);
    result.seen = {
      at: performance.now(),
      seedCpu: costOf(seed.process.pid).cpu,
      getCpu: costOf(get.process.pid).cpu,
    };
  }, 5);
  return result;
}
