/** How long it takes until peers know of each other over gRPC sessions, on one replica and across two. */
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type ClientDuplexStream, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { tracker } from '@pixtorrent/contracts';
import { run } from '../../integration-tests/support/processes.ts';
import { type Scope, scoped } from '../../integration-tests/support/scope.ts';
import { describeMachine } from '../measure/machine.ts';
import { LOAD_CORE, redisSettings, startOurs, startRedis } from './trackers.ts';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '100' },
    joins: { type: 'string', default: '500' },
    redis: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const MEMBERS = Number(values.members);
const JOINS = Number(values.joins);
/** Joins before those that count, while both sides are compiled. */
const WARM_UP = 100;
/** Milliseconds from the moment in which all know a peer, and it leaves, to the next join. */
const QUIET = 20;
const SECONDS = 10;
/** Streams that a replica takes on one connection at the same time, about. */
const STREAMS = 200;
const FIRST_PORT = 20_000;
const infoHash = createHash('sha1').update('discovery').digest();

/** Answers come as bytes: what the members take to read them is no part of what is measured. */
const session = {
  ...tracker.TrackerServiceService.session,
  responseDeserialize: (bytes: Buffer) => bytes,
};
const SessionClient = makeGenericClientConstructor({ session }, 'session');
type Stream = ClientDuplexStream<tracker.SessionRequest, Buffer>;
type Connection = InstanceType<typeof SessionClient>;
/** The first byte of a SessionResponse with an answer: field 1, with a length. */
const ANSWER = (1 << 3) | 2;

/** One peer with a stream of its own. */
class Member {
  readonly #port: number;
  readonly #stream: Stream;
  #answered: ((answer: Buffer) => void) | undefined;
  #expects: { readonly peerId: Buffer; readonly known: () => void } | undefined;

  constructor(connection: Connection, port: number) {
    this.#port = port;
    this.#stream = connection.session!();
    this.#stream.on('data', (response: Buffer) => this.#receive(response));
    this.#stream.on('error', () => {});
  }

  /** @returns what it was told at once */
  join(): Promise<Buffer> {
    const answered = new Promise<Buffer>((resolve) => {
      this.#answered = resolve;
    });
    this.#stream.write({ message: { $case: 'announce', announce: announceOf(this.#port) } });
    return answered;
  }

  /** Fulfilled when it has been told of that peer. */
  hearsOf(peerId: Buffer): Promise<void> {
    return new Promise((known) => {
      this.#expects = { peerId, known };
    });
  }

  leave(): void {
    const stopped = {
      infoHash,
      uploaded: 0,
      downloaded: 0,
      left: 1,
      event: tracker.AnnounceEvent.ANNOUNCE_EVENT_STOPPED,
      numWant: undefined,
      stalled: false,
    };
    this.#stream.write({ message: { $case: 'update', update: stopped } });
    this.#stream.end();
  }

  #receive(response: Buffer): void {
    const expects = this.#expects;
    if (response[0] === ANSWER) this.#answered?.(response);
    else if (expects?.peerId && response.includes(expects.peerId)) {
      this.#expects = undefined;
      expects.known();
    }
  }
}

function peerIdOf(port: number): Buffer {
  return Buffer.from(`-LD0001-${String(port).padStart(12, '0')}`, 'latin1');
}

function announceOf(port: number): tracker.AnnounceRequest {
  return {
    infoHash,
    peerId: peerIdOf(port),
    port,
    address: Buffer.alloc(0),
    uploaded: 0,
    downloaded: 0,
    left: 1000,
    event: tracker.AnnounceEvent.ANNOUNCE_EVENT_STARTED,
    numWant: 50,
    zone: '',
    node: '',
    pixwire: true,
    stalled: false,
    announceKey: '',
  };
}

interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

interface Discovery {
  readonly setting: string;
  /** Milliseconds from opening a session to the first peer known. */
  readonly first: Spread;
  /** Milliseconds from a join to the moment in which all other members know it. */
  readonly all: Spread;
}

function connectTo(port: number): Connection {
  return new SessionClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
}

async function measure(setting: string, ports: readonly number[]): Promise<Discovery> {
  // One more for each replica than the members need has room for the newcomers.
  const connections = Array.from(
    { length: ports.length * (1 + Math.ceil(MEMBERS / ports.length / STREAMS)) },
    (_, n) => connectTo(ports[n % ports.length]!),
  );
  const of = (n: number) => connections[n % connections.length]!;
  const members = Array.from({ length: MEMBERS }, (_, n) => new Member(of(n), 10_000 + n));
  for (const member of members) await member.join();
  const [first, all]: [number[], number[]] = [[], []];
  for (let n = 0; n < WARM_UP + JOINS; n++) {
    await pause(QUIET);
    const port = FIRST_PORT + n;
    const everybody = Promise.all(members.map((member) => member.hearsOf(peerIdOf(port))));
    const started = performance.now();
    const newcomer = new Member(of(n), port);
    const told = await newcomer.join();
    const known = performance.now() - started;
    if ((tracker.SessionResponse.decode(told).message as Answer).answer.response?.peers.length !== 50)
      throw new Error('the newcomer was not told of 50 peers');
    await deadline(everybody, setting);
    if (n >= WARM_UP) {
      first.push(known);
      all.push(performance.now() - started);
    }
    newcomer.leave();
  }
  for (const member of members) member.leave();
  for (const connection of connections) connection.close();
  return { setting, first: spread(first), all: spread(all) };
}

type Answer = Extract<tracker.SessionResponse['message'], { $case: 'answer' }>;

async function deadline<T>(work: Promise<T>, setting: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`not everybody knew within ${SECONDS} s: ${setting}`)),
      SECONDS * 1000,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function spread(list: readonly number[]): Spread {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! };
}

// The replicas have the other core.
await run(['taskset', '-c', '-p', LOAD_CORE, String(process.pid)]);
const results = await scoped(async (scope: Scope) => {
  const alone = await startOurs(scope, {});
  const one = await measure('one replica, memory', [alone.grpc]);
  await alone.process.stop();
  if (!values.redis) return [one];
  const store = await startRedis(scope);
  const replicas = [
    await startOurs(scope, redisSettings(store.port)),
    await startOurs(scope, redisSettings(store.port)),
  ];
  const ports = replicas.map(({ grpc }) => grpc);
  return [
    one,
    await measure('one replica, Redis', ports.slice(0, 1)),
    await measure('two replicas, Redis', ports),
  ];
});

const machine = await describeMachine();
const cell = ({ p50, p99, max }: Spread) => `${p50.toFixed(1)} / **${p99.toFixed(1)}** / ${max.toFixed(1)}`;
const lines = [
  '# Discovery over gRPC sessions',
  '',
  `${machine.cores} cores (${machine.processor}), Linux ${machine.kernel}, Node ${machine.node}. ${MEMBERS} members in one swarm, each with a`,
  `stream of its own, all in one process and on a few connections; ${JOINS} joins, ${QUIET} ms apart. The members,`,
  'and Redis, have one core, the replicas the other. Milliseconds, p50 / **p99** / max.',
  '',
  '| | session opened to first peer known | join to all other members knowing it |',
  '| --- | --- | --- |',
  ...results.map(({ setting, first, all }) => `| ${setting} | ${cell(first)} | ${cell(all)} |`),
];
const folder = new URL('../results/', import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(
  new URL('discovery.json', folder),
  `${JSON.stringify({ machine, MEMBERS, JOINS, results }, null, 2)}\n`,
);
await writeFile(new URL('discovery.md', folder), `${lines.join('\n')}\n`);
console.log(lines.join('\n'));
