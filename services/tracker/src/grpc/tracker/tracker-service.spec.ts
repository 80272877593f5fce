import {
  type ClientUnaryCall,
  credentials,
  Metadata,
  makeGenericClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { tracker as wire } from '@pixtorrent/contracts';
import { DETAILS_TRAILER } from '@pixtorrent/service-kit';
import { PeerStoreError, RefusedError, type Tracker, type TrackerLogic } from '@pixtorrent/tracker';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  announceOf,
  ask,
  hashOf,
  Listener,
  type ServedOptions,
  type ServedTracker,
  serveTracker,
} from './fixtures/served-tracker.ts';

const PATIENCE = { timeout: 20_000, interval: 5 };
const open: ServedTracker[] = [];

afterEach(async () => {
  for (const served of open.splice(0)) await served.close();
});

async function serve(options: ServedOptions = {}): Promise<ServedTracker> {
  const served = await serveTracker(options);
  open.push(served);
  return served;
}

const announce = (client: wire.TrackerServiceClient, request: wire.AnnounceRequest) =>
  ask(client, client.announce as AskFor<wire.AnnounceRequest, wire.AnnounceResponse>, request);
const scrape = (client: wire.TrackerServiceClient, infoHashes: Buffer[], announceKey = '') =>
  ask(client, client.scrape as AskFor<wire.ScrapeRequest, wire.ScrapeResponse>, { infoHashes, announceKey });
const list = (client: wire.TrackerServiceClient, pageSize: number, pageToken = '') =>
  ask(client, client.listSwarms as AskFor<wire.ListSwarmsRequest, wire.ListSwarmsResponse>, {
    pageSize,
    pageToken,
  });
type AskFor<Request, Response> = (
  request: Request,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

function failing(error: Error): (tracker: Tracker) => TrackerLogic {
  return () => ({
    announce: async () => {
      throw error;
    },
    scrape: async () => {
      throw error;
    },
  });
}

describe('announcing', () => {
  it('gives peers, figures and intervals', async () => {
    const client = (await serve()).client();
    await announce(client, announceOf(7001, { left: 0, pixwire: true }));
    expect(await announce(client, announceOf(7002))).toEqual({
      interval: 120,
      minInterval: 0,
      seeders: 1,
      leechers: 1,
      peers: [
        {
          address: Buffer.from([127, 0, 0, 1]),
          port: 7001,
          peerId: announceOf(7001).peerId,
          pixwire: true,
          seeder: true,
        },
      ],
      warning: '',
    });
    const stopped = announceOf(7001, { event: wire.AnnounceEvent.ANNOUNCE_EVENT_STOPPED });
    expect(await announce(client, stopped)).toMatchObject({ seeders: 0, leechers: 1, peers: [] });
    expect((await announce(client, announceOf(7003, { numWant: 0 }))).peers).toEqual([]);
  });

  it('takes an address from callers that are trusted only, and says so to others', async () => {
    const address = Buffer.from('20010db8000000000000000000000001', 'hex');
    const mapped = Buffer.from('00000000000000000000ffff0a000001', 'hex');
    const trusting = (await serve({ trusted: ['127.0.0.0/8'] })).client();
    expect((await announce(trusting, announceOf(1, { address }))).warning).toBe('');
    await announce(trusting, announceOf(2, { address: mapped }));
    const { peers } = await announce(trusting, announceOf(3));
    expect(peers.map((peer) => peer.address.toString('hex')).sort()).toEqual([
      '0a000001',
      address.toString('hex'),
    ]);

    const other = (await serve({ trusted: ['10.0.0.0/8'] })).client();
    expect((await announce(other, announceOf(1, { address }))).warning).toContain('not taken from here');
    const [peer] = (await announce(other, announceOf(2))).peers;
    expect([...peer!.address]).toEqual([127, 0, 0, 1]);
  });

  it('names every field that is wrong', async () => {
    const client = (await serve({ trusted: ['127.0.0.1/32'] })).client();
    const wrong = announceOf(0, {
      infoHash: Buffer.alloc(19),
      peerId: Buffer.alloc(0),
      address: Buffer.alloc(5),
      event: 9 as never,
      zone: 'z'.repeat(64),
      node: 'ä'.repeat(32),
      announceKey: 'k'.repeat(257),
    });
    const error = await announce(client, wrong).catch((reason) => reason as ServiceError);
    expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
    const [details] = (error as ServiceError).metadata.get(DETAILS_TRAILER);
    for (const field of [
      'info_hash',
      'peer_id',
      'port',
      'address',
      'event',
      'zone',
      'node',
      'announce_key',
    ]) {
      expect((error as ServiceError).details).toContain(`${field}: `);
      expect(String(details)).toContain(field);
    }
  });

  it.each([
    [new RefusedError('not-served', 'no'), status.PERMISSION_DENIED],
    [new RefusedError('wrong-key', 'no'), status.PERMISSION_DENIED],
    [new RefusedError('too-often', 'no', 30), status.RESOURCE_EXHAUSTED],
    [new PeerStoreError('full', 'no'), status.RESOURCE_EXHAUSTED],
    [new PeerStoreError('store-unavailable', 'no'), status.UNAVAILABLE],
    [new TypeError('secret'), status.INTERNAL],
  ])('says by its status what %s means', async (error, code) => {
    const client = (await serve({ logic: failing(error) })).client();
    for (const call of [announce(client, announceOf(1)), scrape(client, [hashOf(1)])])
      await expect(call).rejects.toMatchObject({
        code,
        details: code === status.INTERNAL ? 'the service has a fault' : 'no',
      });
  });

  it('says when it is worth asking again', async () => {
    const client = (await serve({ logic: failing(new RefusedError('too-often', 'no', 30)) })).client();
    const error = await announce(client, announceOf(1)).catch((reason) => reason as ServiceError);
    const [details] = (error as ServiceError).metadata.get(DETAILS_TRAILER) as [Buffer];
    expect(details.includes('google.rpc.RetryInfo')).toBe(true);
    // A Duration of 30 s and no nanoseconds.
    expect(details.toString('hex')).toContain('0a04081e1000');
  });
});

describe('scraping', () => {
  it('gives the figures in the order asked, zeros for what is not known, and takes 1,000', async () => {
    const client = (await serve()).client();
    await announce(client, announceOf(7001, { left: 0 }));
    await announce(client, announceOf(7002));
    const { swarms } = await scrape(client, [hashOf(2), hashOf(1)]);
    expect(swarms).toEqual([
      { infoHash: hashOf(2), seeders: 0, leechers: 0, completed: 0 },
      { infoHash: hashOf(1), seeders: 1, leechers: 1, completed: 0 },
    ]);
    expect((await scrape(client, Array(1000).fill(hashOf(1)))).swarms).toHaveLength(1000);
    const failure = (hashes: Buffer[]) =>
      scrape(client, hashes).catch(({ details }: ServiceError) => details);
    expect(await failure(Array(1001).fill(hashOf(1)))).toBe(
      'info_hashes: has 1001, at most 1000 are allowed',
    );
    expect(await failure([hashOf(1), Buffer.alloc(3)])).toBe('info_hashes[1]: has 3 bytes, 20 are needed');
  });

  it('brings the announce key', async () => {
    let key: string | undefined;
    const logic = (tracker: Tracker): TrackerLogic => ({
      announce: (request, asking) => tracker.announce(request, asking),
      scrape: (hashes, asking) => {
        key = asking.announceKey;
        return tracker.scrape(hashes);
      },
    });
    await scrape((await serve({ logic })).client(), [hashOf(1)], 'sesame');
    expect(key).toBe('sesame');
  });
});

describe('listing swarms', () => {
  it('comes to each once, page by page, with totals', async () => {
    const client = (await serve()).client();
    for (let fill = 1; fill <= 7; fill++)
      await announce(client, announceOf(7000 + fill, { infoHash: hashOf(fill), left: fill % 2 }));
    const seen: number[] = [];
    let [token, pages] = ['', 0];
    do {
      const page = await list(client, 3, token);
      expect(page.totals).toEqual({ swarms: 7, seeders: 3, leechers: 4, completed: 0 });
      seen.push(...page.swarms.map(({ infoHash }) => infoHash[0]!));
      token = page.nextPageToken;
      pages++;
    } while (token !== '');
    expect([pages, seen]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
    const [swarm] = (await list(client, 0)).swarms;
    expect(swarm).toMatchObject({ seeders: 0, leechers: 1, completed: 0, leftDistribution: [1] });
    expect(Math.abs(swarm!.lastSeenMs - Date.now())).toBeLessThan(60_000);
    expect(swarm!.firstSeenMs).toBeLessThanOrEqual(swarm!.lastSeenMs);
  });

  it('refuses tokens that are none of its own, and pages that are too large', async () => {
    const client = (await serve()).client();
    const codes = await Promise.all(
      ['x', 'AAAA', Buffer.alloc(21, 1).toString('base64url'), `${'A'.repeat(26)}**`].map((token) =>
        list(client, 0, token).catch(({ code }: ServiceError) => code),
      ),
    );
    expect(codes).toEqual([3, 3, 3, 3]);
    await expect(list(client, 1001)).rejects.toMatchObject({
      details: 'page_size: is 1001, at most 1000 are allowed',
    });
  });
});

describe('what nobody should send', () => {
  it('is refused, whatever it is, and the tracker goes on', async () => {
    const served = await serve();
    const raw = rawClient(served.port);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('Announce', 'Scrape', 'ListSwarms'),
        fc.uint8Array({ maxLength: 300 }),
        async (method, bytes) => {
          const code = await raw.unary(method, Buffer.from(bytes));
          // What happens to be a request may be answered.
          expect([status.OK, status.INTERNAL, status.INVALID_ARGUMENT]).toContain(code);
        },
      ),
      { numRuns: 200 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), async (messages) => {
        const code = await raw.session(messages.map((bytes) => Buffer.from(bytes)));
        expect([status.OK, status.INTERNAL, status.INVALID_ARGUMENT]).toContain(code);
      }),
      { numRuns: 100 },
    );
    raw.close();
    await vi.waitFor(() => expect(served.service.figures.sessions).toBe(0), PATIENCE);
    expect((await announce(served.client(), announceOf(1))).leechers).toBe(1);
  });

  it('is refused where it is too large', async () => {
    const served = await serve();
    const raw = rawClient(served.port);
    expect(await raw.unary('Announce', Buffer.alloc(21 * 2 ** 20))).toBe(status.RESOURCE_EXHAUSTED);
    expect(await raw.session([Buffer.alloc(21 * 2 ** 20)])).toBe(status.RESOURCE_EXHAUSTED);
    // Below the limit it is read: a zone of 10 MB is a wrong zone, not a fault.
    const zone = 'z'.repeat(10_000_000);
    await expect(announce(served.client(), announceOf(1, { zone }))).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'zone: has 10000000 bytes, at most 63 are allowed',
    });
    const listener = new Listener(served.client());
    listener.announce(announceOf(1, { zone }));
    await vi.waitFor(() => expect(listener.refusals).toHaveLength(1), PATIENCE);
    raw.close();
  });

  it('ends with its deadline', async () => {
    const never = (): TrackerLogic => ({
      announce: () => new Promise(() => {}),
      scrape: () => new Promise(() => {}),
    });
    const client = (await serve({ logic: never })).client();
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.announce(announceOf(1), new Metadata(), { deadline: Date.now() + 50 }, resolve);
    });
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
  });
});

/** Sends bytes that are no message. */
function rawClient(port: number) {
  const bytes = (value: Buffer) => value;
  const methodOf = (name: string, streams: boolean) => ({
    path: `/pixtorrent.tracker.v1.TrackerService/${name}`,
    requestStream: streams,
    responseStream: streams,
    requestSerialize: bytes,
    requestDeserialize: bytes,
    responseSerialize: bytes,
    responseDeserialize: bytes,
  });
  const methods = {
    Announce: methodOf('Announce', false),
    Scrape: methodOf('Scrape', false),
    ListSwarms: methodOf('ListSwarms', false),
    Session: methodOf('Session', true),
  };
  const Client = makeGenericClientConstructor(methods, 'raw');
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    unary: (method: string, message: Buffer) =>
      new Promise<number>((resolve) => {
        client[method]!(message, (error: ServiceError | null) => resolve(error?.code ?? status.OK));
      }),
    session: (messages: readonly Buffer[]) =>
      new Promise<number>((resolve) => {
        const stream = client.Session!();
        stream.on('data', () => {});
        stream.on('error', () => {});
        stream.on('status', ({ code }: { code: number }) => resolve(code));
        for (const message of messages) stream.write(message);
        stream.end();
      }),
    close: () => client.close(),
  };
}
