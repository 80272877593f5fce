/** One seed and eight leeches, each a process in a namespace of its own with a shaped uplink. */
import { join } from 'node:path';
import type { Running } from '../../integration-tests/support/clients/client.ts';
import { createByLibtorrent } from '../../integration-tests/support/clients/libtorrent.ts';
import { opentracker, opentrackerUrl } from '../../integration-tests/support/clients/opentracker.ts';
import { digestTree } from '../../integration-tests/support/content.ts';
import { type Host, network, trafficSeenBy } from '../../integration-tests/support/namespaces.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';
import type { Contender } from '../measure/contenders.ts';
import { costOf } from '../measure/cost.ts';
import { type BenchOptions, parseOptions } from '../measure/options.ts';
import type { Figure } from '../measure/report.ts';
import { measure } from '../measure/rounds.ts';
import { spreadOf } from '../measure/statistics.ts';

const LEECHES = 8;
const UPLINK = 160_000_000;
/** Payload that such an uplink carries in a second: the shaper counts the headers. */
const PAYLOAD_RATE = 19.1e6;
const PORT = 7001;
const SECONDS = 300;
const FIRST_BYTES = 64 << 10;

interface Round {
  /** Seconds from the seed's first payload to each leech's last verified piece, ascending. */
  readonly finished: readonly number[];
  /** Seconds from the start of the leeching processes to the last finisher. */
  readonly wall: number;
  /** Bytes that left the seed's interface. */
  readonly seedSent: number;
  /** CPU seconds of all processes, from the start of the leeching processes on. */
  readonly cpu: number;
}

const options = parseOptions({
  size: 128 * 2 ** 20,
  rounds: 3,
  clients: ['pixwire', 'bep3', 'libtorrent', 'aria2'],
  pieceLength: 2 ** 17,
});

const floor = options.size / PAYLOAD_RATE;
const figures: readonly Figure<Round>[] = [
  { name: 'last / floor', unit: '', digits: 2, of: (round) => spreadOf(round.finished).max / floor },
  { name: 'median / floor', unit: '', digits: 2, of: (round) => spreadOf(round.finished).median / floor },
  {
    name: 'slowest / median',
    unit: '',
    digits: 2,
    of: (round) => spreadOf(round.finished).max / spreadOf(round.finished).median,
  },
  { name: 'seed sent the content', unit: 'times', digits: 2, of: (round) => round.seedSent / options.size },
  { name: 'last, with start-up', unit: 's', digits: 1, of: (round) => round.wall },
  { name: 'CPU, all', unit: 's', digits: 1, of: (round) => round.cpu },
];

await measure(
  'swarm',
  `One seed to ${LEECHES} leeches, uplinks of ${UPLINK / 1e6} Mbit/s, floor ${floor.toFixed(2)} s`,
  options,
  figures,
  swarm,
);

async function swarm(
  scope: Scope,
  { client, env }: Contender,
  folder: string,
  digests: string,
  { pieceLength }: BenchOptions,
): Promise<Round> {
  const [tracker, seedHost, ...hosts] = await network(scope, { hosts: LEECHES + 2, uplink: UPLINK });
  const torrent = join(await scope.folder(), 'content.torrent');
  const url = opentrackerUrl(tracker);
  const infoHash = await createByLibtorrent(join(folder, 'content.bin'), torrent, url, pieceLength);
  await opentracker(scope, [infoHash], tracker);
  const shared = { torrent, port: PORT, ...(env && { env }) };
  const seed = await client.seed(scope, { ...shared, folder, host: seedHost });
  const seedCpu = costOf(seed.process.pid).cpu;
  const sentBefore = (await seedHost!.traffic()).sent;

  const started = performance.now();
  const first = firstPayload(seed);
  const leeches = await Promise.all(
    hosts.map(async (host) => leech(scope, client.get, { ...shared, host, folder: await scope.folder() })),
  );
  try {
    await Promise.all(leeches.map(({ done }) => done));
  } finally {
    first.stop();
  }
  const seedSent = (await seedHost!.traffic()).sent - sentBefore;
  const ends = await Promise.all(leeches.map(({ done }) => done));
  const cpu = leeches.reduce(
    (sum, { process }) => sum + costOf(process.pid).cpu,
    costOf(seed.process.pid).cpu,
  );
  for (const { process, folder: target } of leeches) {
    await process.stop();
    if (JSON.stringify(await digestTree(target)) !== digests) throw process.failure('delivered other bytes');
  }
  const { at } = first;
  if (at === undefined) throw seed.process.failure('sent nothing');
  return {
    finished: ends.map((end) => (end - at) / 1000).toSorted((a, b) => a - b),
    wall: (Math.max(...ends) - started) / 1000,
    seedSent,
    cpu: cpu - seedCpu,
  };
}

interface LeechJob {
  readonly torrent: string;
  readonly port: number;
  readonly host: Host;
  readonly folder: string;
}

async function leech(scope: Scope, get: Contender['client']['get'], job: LeechJob) {
  const running = await get(scope, job);
  const done = running.complete(SECONDS).then(() => performance.now());
  // Whoever fails first ends the round: the others' failures have been said by then.
  done.catch(() => {});
  return { process: running.process, folder: job.folder, done };
}

function firstPayload(seed: Running): { at?: number; stop(): void } {
  const base = trafficSeenBy(seed.process.pid, 'eth0').sent;
  const result: { at?: number; stop(): void } = { stop: () => clearInterval(timer) };
  const timer = setInterval(() => {
    if (trafficSeenBy(seed.process.pid, 'eth0').sent - base < FIRST_BYTES) return;
    clearInterval(timer);
    result.at = performance.now();
  }, 5);
  return result;
}
