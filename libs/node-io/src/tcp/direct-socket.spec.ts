import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { TestAuthority } from '@pixtorrent/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import { type ByteSink, DirectSocket, type SocketEnd } from './direct-socket.ts';
import { TlsLayer } from './tls.ts';

const memory = Buffer.alloc(100_000);

/** Lets everything land in one piece of memory, and notes by which way it came. */
class Collector implements ByteSink {
  landedBytes = 0;
  receivedBytes = 0;
  end: SocketEnd | undefined;
  onChange = () => {};

  target(): Uint8Array {
    return memory.subarray(this.landedBytes);
  }

  landed(count: number): void {
    this.landedBytes += count;
    this.onChange();
  }

  received(bytes: Buffer): number {
    this.receivedBytes += bytes.copy(memory, this.receivedBytes);
    this.onChange();
    return bytes.length;
  }

  ended(end: SocketEnd): void {
    this.end = end;
  }

  closed(): void {
    this.onChange();
  }
}

let cleanUp: (() => void)[] = [];
afterEach(() => {
  for (const step of cleanUp.splice(0)) step();
});

/** A socket that was accepted, after `prepare`, and the client at its other end. */
async function accepted(
  prepare: (socket: Socket) => void,
): Promise<{ sink: Collector; client: Socket; direct: DirectSocket; closed: Promise<unknown> }> {
  const sink = new Collector();
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as { port: number }).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  prepare(socket);
  const direct = DirectSocket.accept(socket, sink);
  cleanUp = [() => direct.destroy(), () => client.destroy()];
  expect(direct.remote).toEqual({ host: '127.0.0.1', port: client.localPort });
  return { sink, client, direct, closed: new Promise((resolve) => server.close(resolve)) };
}

function withoutUserBuffer(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: { useUserBuffer: unknown } };
  handle.useUserBuffer = undefined;
}

async function deliver(sink: Collector, client: Socket): Promise<void> {
  const bytes = Buffer.from(Uint8Array.from({ length: 90_000 }, (_, at) => at * 13));
  memory.fill(0);
  const whole = new Promise<void>((resolve) => {
    sink.onChange = () => {
      if (sink.landedBytes + sink.receivedBytes === bytes.length) resolve();
    };
  });
  client.write(bytes);
  await whole;
  expect(memory.subarray(0, bytes.length).equals(bytes)).toBe(true);
  const ended = new Promise<void>((resolve) => {
    sink.onChange = resolve;
  });
  client.end();
  await ended;
  expect(sink.end).toBe('remote-closed');
}

describe('an accepted socket', () => {
  it('reads straight into the memory that it is given', async () => {
    const { sink, client, closed } = await accepted(() => {});
    await deliver(sink, client);
    expect([sink.landedBytes, sink.receivedBytes]).toEqual([90_000, 0]);
    await closed;
  });

  it('offers again, after a pause, what was not taken', async () => {
    const { sink, client, direct } = await accepted(withoutUserBuffer);
    const offered: string[] = [];
    sink.received = (bytes) => {
      offered.push(bytes.toString());
      if (offered.length > 1) sink.onChange();
      else direct.pause();
      return 2;
    };
    const again = new Promise<void>((resolve) => {
      sink.onChange = resolve;
    });
    client.write('abcd');
    while (offered.length === 0) await new Promise((resolve) => setImmediate(resolve));
    direct.resume();
    await again;
    expect(offered.slice(0, 2)).toEqual(['abcd', 'cd']);
  });

  it('delivers the same by data events where its handle cannot be handed on', async () => {
    const { sink, client, closed } = await accepted(withoutUserBuffer);
    await deliver(sink, client);
    expect([sink.landedBytes, sink.receivedBytes]).toEqual([0, 90_000]);
    await closed;
  });
});

describe('an accepted socket that turns out to be TLS', () => {
  const authority = new TestAuthority();
  const certificates = { ...authority.issue(), ca: authority.certificate };

  /** Hands the first bytes on to TLS; `prepare` has the socket within before it is read. */
  async function secured(prepareRaw: (socket: Socket) => void, prepare: (inner: TLSSocket) => void) {
    const { sink, client, direct, closed } = await accepted(prepareRaw);
    const layer = new TlsLayer({ policy: 'accept', identity: { certificates: () => certificates } });
    const tls = {
      accept: (raw: Socket, ready: (inner: TLSSocket) => void) =>
        layer.accept(raw, (inner) => {
          prepare(inner);
          ready(inner);
        }),
    } as TlsLayer;
    const first = new Collector();
    first.landed = (count) => direct.secure(tls, Buffer.from(memory.subarray(0, count)), sink);
    first.received = (bytes) => {
      direct.secure(tls, Buffer.from(bytes), sink);
      return bytes.length;
    };
    direct.sink = first;
    const { key, certificate: cert, ca } = certificates;
    const outer = connectTls({ socket: client, key, cert, ca, checkServerIdentity: () => undefined });
    await once(outer, 'secureConnect');
    return { sink, outer, closed };
  }

  it('reads what was in it straight into the memory that it is given', async () => {
    const { sink, outer, closed } = await secured(
      () => {},
      () => {},
    );
    await deliver(sink, outer);
    expect([sink.landedBytes, sink.receivedBytes]).toEqual([90_000, 0]);
    await closed;
  });

  it.each<[string, (socket: Socket) => void, (inner: TLSSocket) => void]>([
    ['nor that beneath', withoutUserBuffer, withoutUserBuffer],
    ['although that beneath can', () => {}, withoutUserBuffer],
  ])('delivers the same by data events where its handle cannot be handed on, %s', async (_, raw, inner) => {
    const { sink, outer, closed } = await secured(raw, inner);
    await deliver(sink, outer);
    expect([sink.landedBytes, sink.receivedBytes]).toEqual([0, 90_000]);
    await closed;
  });
});
