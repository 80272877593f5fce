import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { ClusterError, MemoryNodeStore, Roster, type RosterOptions } from '@pixtorrent/cluster';
import { descriptors, cluster as wire } from '@pixtorrent/contracts';
import { SeededRandom, silentLogger } from '@pixtorrent/core';
import { GrpcServer, Metrics, systemTimers, wallClock } from '@pixtorrent/service-kit';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ClusterMetrics } from './cluster-metrics.ts';
import { type ClusterServiceOptions, clusterService } from './cluster-service.ts';

const PATIENCE = { timeout: 20_000, interval: 5 };
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup();
});

async function serve(options: ClusterServiceOptions & RosterOptions = {}, store = memoryStore()) {
  const random = new SeededRandom(1);
  const roster = new Roster({ store, timers: systemTimers, random, logger: silentLogger }, options);
  const metrics = new Metrics('sample');
  const service = clusterService(
    { roster, timers: systemTimers, wallClock, logger: silentLogger, metrics: new ClusterMetrics(metrics) },
    options,
  );
  const server = await GrpcServer.listen({ host: '127.0.0.1', port: 0, services: [service], descriptors });
  const connect = () => {
    const client = new wire.ClusterServiceClient(`127.0.0.1:${server.port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 32 * 2 ** 20,
      // A connection of its own for each.
      'grpc.use_local_subchannel_pool': 1,
    });
    cleanups.push(() => client.close());
    return client;
  };
  cleanups.push(
    () => server.drain(100),
    () => service.close(),
    () => roster.close(),
    () => store.close(),
  );
  const metric = async (name: string) =>
    new RegExp(`^pixtorrent_sample_${name.replace(/[{}]/g, '\\$&')} (.*)$`, 'm').exec(
      await metrics.read(),
    )?.[1];
  return { store, roster, service, client: connect(), connect, metric };
}

function memoryStore(): MemoryNodeStore {
  return new MemoryNodeStore({ timers: systemTimers });
}

function node(of: Partial<wire.Node> = {}): wire.Node {
  return {
    name: 'a',
    state: wire.NodeState.NODE_STATE_READY,
    zone: '',
    machine: '',
    grpcAddress: '',
    httpAddress: '',
    peerAddress: '10.0.0.1:6881',
    diskBudget: 1000,
    diskUsed: 0,
    holdings: [],
    sinceMs: 0,
    ...of,
  };
}

function holding(seed: number, of: Partial<wire.Holding> = {}): wire.Holding {
  const infoHash = Buffer.alloc(20);
  infoHash.writeUInt32BE(seed);
  return { infoHash, have: 1, size: 2, downRate: 0, upRate: 0, peers: 0, availability: 1, ...of };
}

/** A node that is registered, and what it is told. */
class Registered {
  readonly call: ReturnType<wire.ClusterServiceClient['register']>;
  readonly answers: wire.RegisterResponse[] = [];
  error: ServiceError | undefined;
  isOver = false;

  constructor(client: wire.ClusterServiceClient) {
    this.call = client.register();
    this.call.on('data', (answer: wire.RegisterResponse) => this.answers.push(answer));
    this.call.on('error', (error) => {
      this.error = error as ServiceError;
    });
    this.call.on('end', () => {
      this.isOver = true;
    });
    cleanups.push(() => this.call.cancel());
  }

  /** Fulfilled when it has been answered. */
  async say(of: Partial<wire.Node> = {}): Promise<wire.RegisterResponse> {
    const { length } = this.answers;
    this.call.write({ node: node(of), leaving: false });
    await vi.waitFor(() => expect(this.answers.length > length || this.error).toBeTruthy(), PATIENCE);
    if (this.error !== undefined) throw this.error;
    return this.answers.at(-1)!;
  }

  leave(): void {
    this.call.write({ node: undefined, leaving: true });
  }
}

/** What a watcher is told, in words. */
class Told {
  readonly words: string[] = [];
  readonly nodes: wire.Node[] = [];
  readonly call: ReturnType<wire.ClusterServiceClient['watchNodes']>;
  error: ServiceError | undefined;

  constructor(client: wire.ClusterServiceClient, holdings = false) {
    this.call = client.watchNodes({ holdings });
    this.call.on('data', ({ event }: wire.WatchNodesResponse) => {
      if (event?.$case === 'node') {
        this.words.push(`${event.node.name} ${event.node.state}`);
        this.nodes.push(event.node);
      } else this.words.push(event?.$case === 'gone' ? `-${event.gone}` : 'synced');
    });
    this.call.on('error', (error) => {
      this.error = error as ServiceError;
    });
    cleanups.push(() => this.call.cancel());
  }

  is(words: readonly string[]): Promise<void> {
    return vi.waitFor(() => expect(this.words).toEqual(words), PATIENCE);
  }
}

function list(client: wire.ClusterServiceClient, holdings = false): Promise<wire.Node[]> {
  return new Promise((resolve, reject) => {
    client.listNodes({ holdings }, (error, response) => (error ? reject(error) : resolve(response.nodes)));
  });
}

async function names(client: wire.ClusterServiceClient): Promise<string[]> {
  return (await list(client)).map(({ name }) => name);
}

describe('registering', () => {
  it('makes a node known as it says that it is, and lists all by their names', async () => {
    const { client, metric } = await serve();
    const full = node({
      name: 'pod-1.peers',
      state: wire.NodeState.NODE_STATE_DRAINING,
      zone: 'зона',
      machine: 'm',
      grpcAddress: 'pod-1.peers:6882',
      httpAddress: '[2001:db8::1]:6880',
      diskBudget: 2 ** 52,
      diskUsed: 7,
      holdings: [holding(1, { have: 2 ** 40, size: 2 ** 41, downRate: 5, upRate: 6, peers: 7 }), holding(2)],
      sinceMs: 1_700_000_000_000,
    });
    expect(await new Registered(client).say(full)).toEqual({ goodForMs: 15_000, goAwayAfterMs: undefined });
    const other = new Registered(client);
    await other.say({ name: 'a', state: wire.NodeState.NODE_STATE_STARTING });
    const [first, second] = await list(client, true);
    expect(second).toEqual(full);
    expect(first!.name).toBe('a');
    expect(Math.abs(first!.sinceMs - Date.now())).toBeLessThan(60_000);
    await other.say({ name: 'a' });
    const [again, bare] = await list(client);
    expect([again!.state, again!.sinceMs]).toEqual([wire.NodeState.NODE_STATE_READY, first!.sinceMs]);
    expect(bare).toEqual({ ...full, holdings: [] });
    for (const [name, value] of [
      ['cluster_nodes{state="ready"}', '1'],
      ['cluster_nodes{state="draining"}', '1'],
      ['cluster_nodes{state="starting"}', '0'],
      ['cluster_registrations', '2'],
      ['cluster_stale', '0'],
    ] as const)
      expect([name, await metric(name)]).toEqual([name, value]);
  });

  it('names each field that is wrong', async () => {
    const { client } = await serve();
    const wrong = new Registered(client);
    const said = wrong.say({
      name: 'A_b',
      state: 9 as wire.NodeState,
      zone: 'z'.repeat(64),
      machine: 'a\nb',
      grpcAddress: 'host',
      httpAddress: 'host:70000',
      peerAddress: '',
      holdings: [holding(1), holding(1), { ...holding(2), infoHash: Buffer.alloc(19), have: 3 }],
    });
    await expect(said).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
    const trailer = String(wrong.error!.metadata.get('grpc-status-details-bin')[0]);
    for (const field of [
      ...['name', 'state', 'zone', 'machine', 'grpc_address', 'http_address', 'peer_address'],
      ...['holdings[1].info_hash', 'holdings[2].info_hash', 'holdings[2].have'],
    ])
      expect(trailer).toContain(`node.${field}`);
    const many = Array.from({ length: 10_001 }, (_, i) => holding(i));
    await expect(new Registered(client).say({ holdings: many })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'node.holdings: are 10001, at most 10000 are allowed',
    });
    await new Registered(client).say({ holdings: many.slice(1) });
    const empty = new Registered(client);
    empty.call.write({ node: undefined, leaving: false });
    await vi.waitFor(() => expect(empty.error?.details).toBe('node: is missing'), PATIENCE);
    expect(await names(client)).toEqual(['a']);
  });

  it.each(['', '.'.repeat(254), 'a b', 'a/b', 'é'])('refuses the name %j', async (name) => {
    const { client } = await serve();
    await expect(new Registered(client).say({ name })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(/^node.name: has to be 1 to 253 characters/),
    });
  });

  it('holds to the name that a stream began with', async () => {
    const { client } = await serve();
    const one = new Registered(client);
    await one.say();
    await expect(one.say({ name: 'b' })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('node.name: has to stay a'),
    });
    expect(await names(client)).toEqual(['a']);
  });

  it('forgets a node at once that leaves, and one whose stream ends when it is good no more', async () => {
    const { client, metric } = await serve({ goodFor: 400 });
    const [leaving, ending, lost] = [1, 2, 3].map(() => new Registered(client));
    await leaving!.say({ name: 'leaving' });
    await ending!.say({ name: 'ending' });
    await lost!.say({ name: 'lost' });
    const told = new Told(client);
    await vi.waitFor(() => expect(told.words).toHaveLength(4), PATIENCE);
    leaving!.leave();
    ending!.call.end();
    lost!.call.cancel();
    await vi.waitFor(() => expect(told.words[4]).toBe('-leaving'), PATIENCE);
    expect((await names(client)).sort()).toEqual(['ending', 'lost']);
    await vi.waitFor(() => expect(told.words.slice(5).sort()).toEqual(['-ending', '-lost']), PATIENCE);
    await vi.waitFor(() => expect([leaving!.isOver, ending!.isOver]).toEqual([true, true]), PATIENCE);
    expect([leaving!.error, ending!.error]).toEqual([undefined, undefined]);
    expect(await metric('cluster_registrations_ended_total{reason="left"}')).toBe('1');
    expect(await metric('cluster_registrations_ended_total{reason="lost"}')).toBe('2');
    expect(await metric('cluster_registrations')).toBe('0');
  });

  it('lets a node come back before it is forgotten, without that anybody notices', async () => {
    const { client } = await serve();
    const first = new Registered(client);
    await first.say({ sinceMs: 5 });
    const told = new Told(client);
    await told.is(['a 2', 'synced']);
    first.call.cancel();
    await new Registered(client).say({ sinceMs: 5 });
    await new Registered(client).say({ name: 'b' });
    await told.is(['a 2', 'synced', 'b 2']);
  });

  it('lets go a node that says nothing, and tells it by the end of its stream', async () => {
    const { client } = await serve({ goodFor: 300 });
    const mute = new Registered(client);
    const silent = new Registered(client);
    await silent.say();
    for (const one of [mute, silent])
      await vi.waitFor(() => expect(one.error?.code).toBe(status.DEADLINE_EXCEEDED), PATIENCE);
    await vi.waitFor(async () => expect(await names(client)).toEqual([]), PATIENCE);
  });

  it('ends the older of two streams of one name, here or elsewhere', async () => {
    const { client, store } = await serve();
    const [old, young] = [new Registered(client), new Registered(client)];
    await old.say({ diskUsed: 1 });
    await young.say({ diskUsed: 2 });
    await vi.waitFor(() => expect(old.error?.code).toBe(status.ABORTED), PATIENCE);
    expect((await list(client))[0]!.diskUsed).toBe(2);
    await young.say({ diskUsed: 3 });
    const [known] = await store.list();
    await store.put(known!, { holder: 'elsewhere', takesOver: true, goodFor: 60_000 });
    await expect(young.say({ diskUsed: 4 })).rejects.toMatchObject({ code: status.ABORTED });
    expect((await list(client))[0]!.diskUsed).toBe(3);
  });

  it('goes on while the store is away, and has the store know when it is back', async () => {
    const store = memoryStore();
    const { client, metric } = await serve({ shortestPause: 5, longestPause: 20 }, store);
    const one = new Registered(client);
    await one.say();
    const away = new ClusterError('unavailable', 'away');
    const spies = [vi.spyOn(store, 'put'), vi.spyOn(store, 'remove'), vi.spyOn(store, 'list')];
    for (const spy of spies) spy.mockRejectedValue(away);
    const two = new Registered(client);
    await two.say({ name: 'b' });
    await one.say({ diskUsed: 5 });
    expect((await list(client)).map(({ name, diskUsed }) => [name, diskUsed])).toEqual([
      ['a', 5],
      ['b', 0],
    ]);
    expect(await metric('cluster_stale')).toBe('1');
    for (const spy of spies) spy.mockRestore();
    await vi.waitFor(async () => expect(await metric('cluster_stale')).toBe('0'), PATIENCE);
    await one.say({ diskUsed: 6 });
    await two.say({ name: 'b' });
    expect((await store.list()).map(({ name, diskUsed }) => [name, diskUsed])).toEqual([
      ['a', 6],
      ['b', 0],
    ]);
  });

  it('refuses more than it has room for, and nodes where the cluster is full', async () => {
    const store = new MemoryNodeStore({ timers: systemTimers }, { maxNodes: 1 });
    const { client } = await serve({ maxRegistrations: 2 }, store);
    await new Registered(client).say();
    const full = { code: status.RESOURCE_EXHAUSTED };
    await expect(new Registered(client).say({ name: 'b' })).rejects.toMatchObject(full);
    await new Registered(client).say();
    const waiting = [new Registered(client), new Registered(client)];
    await vi.waitFor(
      () => expect(waiting.filter(({ error }) => error?.code === full.code)).toHaveLength(1),
      PATIENCE,
    );
  });

  it('sends nodes away when it ends, which are kept until they come back', async () => {
    const { client, service } = await serve();
    const nodes = ['a', 'b'].map((name) => ({ name, stream: new Registered(client) }));
    for (const { name, stream } of nodes) await stream.say({ name });
    const told = new Told(client);
    await told.is(['a 2', 'b 2', 'synced']);
    await service.close();
    for (const { stream } of nodes) await vi.waitFor(() => expect(stream.isOver).toBe(true), PATIENCE);
    const waits = nodes.map(({ stream }) => stream.answers.at(-1)!.goAwayAfterMs);
    expect(waits.sort()).toEqual([0, 1]);
    await vi.waitFor(() => expect(told.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    expect(await names(client)).toEqual(['a', 'b']);
    await expect(new Registered(client).say()).rejects.toMatchObject({ code: status.UNAVAILABLE });
    const late = new Told(client);
    await vi.waitFor(() => expect(late.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    expect(service.figures).toEqual({ registrations: 0, watchers: 0 });
  });
});

describe('watching', () => {
  it('tells who is there, that this was all, then every change', async () => {
    const { client, metric } = await serve();
    const one = new Registered(client);
    await one.say({ holdings: [holding(1)] });
    const told = new Told(client);
    await told.is(['a 2', 'synced']);
    expect(told.nodes[0]!.holdings).toEqual([]);
    const two = new Registered(client);
    await two.say({ name: 'b', state: wire.NodeState.NODE_STATE_STARTING });
    await two.say({ name: 'b' });
    await one.say({ state: wire.NodeState.NODE_STATE_DRAINING });
    one.leave();
    await vi.waitFor(() => expect(told.words.at(-1)).toBe('-a'), PATIENCE);
    expect(told.words.filter((word) => word.startsWith('b')).at(-1)).toBe('b 2');
    expect(await metric('cluster_watchers')).toBe('1');
  });

  it('tells what nodes have to those who ask for it, at its pace', async () => {
    const { client } = await serve({ pace: 1000 });
    const one = new Registered(client);
    await one.say();
    const [plain, curious] = [new Told(client), new Told(client, true)];
    for (const told of [plain, curious]) await told.is(['a 2', 'synced']);
    const started = performance.now();
    for (let i = 1; i <= 30; i++) await one.say({ holdings: [holding(1, { have: i, size: 100 })] });
    await vi.waitFor(() => expect(curious.nodes).toHaveLength(2), PATIENCE);
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(curious.nodes[1]!.holdings[0]!.have).toBe(30);
    expect(plain.nodes).toHaveLength(1);
  });

  it('tells the state of nodes at once, whatever the pace', async () => {
    const { client } = await serve({ pace: 1_000_000 });
    const one = new Registered(client);
    await one.say();
    const [plain, curious] = [new Told(client), new Told(client, true)];
    for (const told of [plain, curious]) await told.is(['a 2', 'synced']);
    await one.say({ holdings: [holding(1, { have: 30, size: 100 })] });
    await one.say({ holdings: [holding(1, { have: 31, size: 100 })], zone: 'z' });
    await vi.waitFor(() => expect(curious.nodes.at(-1)!.zone).toBe('z'), PATIENCE);
    expect(curious.nodes).toHaveLength(2);
    expect(curious.nodes[1]!.holdings[0]!.have).toBe(31);
    await vi.waitFor(() => expect(plain.nodes.at(-1)!.zone).toBe('z'), PATIENCE);
    expect(plain.nodes).toHaveLength(2);
  });

  it('tells a client that reads slowly how nodes are when it reads, and keeps no more for it than there are nodes', async () => {
    const { client, connect, roster, metric } = await serve({ maxStall: 60_000 });
    const holdings = Array.from({ length: 5000 }, (_, i) => holding(i));
    const one = new Registered(client);
    await one.say({ holdings });
    const slow = new Told(connect(), true);
    await slow.is(['a 2', 'synced']);
    slow.call.pause();
    for (let i = 1; i <= 80; i++) await one.say({ holdings, zone: `z${i}` });
    slow.call.resume();
    await vi.waitFor(() => expect(slow.nodes.at(-1)!.zone).toBe('z80'), PATIENCE);
    expect(slow.nodes.length).toBeLessThan(60);
    expect(roster.size).toBe(1);
    expect(await metric('cluster_watchers_slow_total')).toBe('0');
  });

  it('ends a client that stands still, and says that it may watch again', async () => {
    const { client, connect, metric } = await serve({ maxStall: 300 });
    const holdings = Array.from({ length: 5000 }, (_, i) => holding(i));
    const one = new Registered(client);
    await one.say({ holdings });
    const still = new Told(connect(), true);
    await still.is(['a 2', 'synced']);
    still.call.pause();
    for (let i = 1; (await metric('cluster_watchers_slow_total')) === '0' && i < 2000; i++)
      await one.say({ holdings, zone: `z${i}` });
    await vi.waitFor(async () => expect(await metric('cluster_watchers')).toBe('0'), PATIENCE);
    still.call.resume();
    await vi.waitFor(() => expect(still.error?.code).toBe(status.ABORTED), PATIENCE);
  });

  it('tells everybody the same in the end, whoever comes and goes', async () => {
    const { client, connect } = await serve();
    const watchers = Array.from({ length: 6 }, (_, i) => new Told(connect(), i % 2 === 0));
    const random = new SeededRandom(3);
    const open = new Map<string, Registered>();
    for (let i = 0; i < 300; i++) {
      const name = `n${random.below(20)}`;
      const known = open.get(name);
      if (known !== undefined && random.below(3) === 0) {
        known.leave();
        open.delete(name);
      } else {
        const stream = known ?? new Registered(client);
        open.set(name, stream);
        await stream.say({ name, zone: `z${random.below(5)}` });
      }
    }
    await vi.waitFor(async () => expect(await names(client)).toEqual([...open.keys()].sort()), PATIENCE);
    for (const { words } of watchers)
      await vi.waitFor(() => {
        const there = new Set<string>();
        for (const word of words)
          if (word.startsWith('-')) expect(there.delete(word.slice(1))).toBe(true);
          else if (word !== 'synced') there.add(word.split(' ')[0]!);
        expect([...there].sort()).toEqual([...open.keys()].sort());
      }, PATIENCE);
  });

  it('refuses more watchers than it may have', async () => {
    const { client } = await serve({ maxWatchers: 1 });
    await new Told(client).is(['synced']);
    const second = new Told(client);
    await vi.waitFor(() => expect(second.error?.code).toBe(status.RESOURCE_EXHAUSTED), PATIENCE);
  });

  it('waits a while for nodes that are not known yet, then says so', async () => {
    const store = memoryStore();
    const list_ = vi.spyOn(store, 'list').mockRejectedValue(new ClusterError('unavailable', 'away'));
    const { client } = await serve({ maxWait: 300, shortestPause: 5, longestPause: 20 }, store);
    const early = new Told(client);
    await expect(list(client)).rejects.toMatchObject({ code: status.UNAVAILABLE });
    await vi.waitFor(() => expect(early.error?.code).toBe(status.UNAVAILABLE), PATIENCE);
    const patient = new Told(client);
    list_.mockRestore();
    await patient.is(['synced']);
    expect(await list(client)).toEqual([]);
  });
});
