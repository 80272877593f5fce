import { describe, expect, it } from 'vitest';
import type { VirtualHost } from './virtual-host.ts';
import { type NetworkOptions, VirtualNetwork } from './virtual-network.ts';
import type { SocketHandler, VirtualFrame, VirtualSocket } from './virtual-socket.ts';
import { VirtualTime } from './virtual-time.ts';

const MB = 1_000_000;

/** Writes down what happens at one end, and when. */
class Recorder implements SocketHandler {
  readonly log: string[] = [];
  bytes = 0;
  acceptedBytes = 0;
  lastAt = 0;
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  accepted(frame: VirtualFrame): void {
    this.acceptedBytes += frame.size;
  }

  begun(frame: VirtualFrame): void {
    this.log.push(`begun ${frame.size}`);
  }

  arrived(frame: VirtualFrame): void {
    this.bytes += frame.size;
    this.lastAt = this.#time.now();
    this.log.push(`arrived ${frame.size}`);
  }

  ended(cause: string): void {
    this.lastAt = this.#time.now();
    this.log.push(cause);
  }
}

function frame(size: number, head = 13): VirtualFrame {
  return { size, head: Math.min(head, size) };
}

interface End {
  readonly socket: VirtualSocket;
  readonly seen: Recorder;
}

class Setting {
  readonly time = new VirtualTime();
  readonly network: VirtualNetwork;
  dialsFailed = 0;

  constructor(options: NetworkOptions = { delay: 0 }) {
    this.network = new VirtualNetwork(this.time, options);
  }

  /** A connection that is open on both sides. */
  connect(from: VirtualHost, to: VirtualHost): { near: End; far: End } {
    let near: End | undefined;
    let far: End | undefined;
    const end = (socket: VirtualSocket): End => {
      const seen = new Recorder(this.time);
      socket.handler = seen;
      return { socket, seen };
    };
    this.network.dial(
      from,
      to,
      (socket) => {
        far = end(socket);
      },
      (socket) => {
        near = end(socket);
      },
      () => {
        this.dialsFailed++;
      },
    );
    this.time.run({ when: () => near !== undefined });
    return { near: near!, far: far! };
  }
}

describe('VirtualNetwork', () => {
  it('moves bytes over a lone link at exactly the rate of its uplink', () => {
    const setting = new Setting({ delay: 5 });
    const { near, far } = setting.connect(
      setting.network.host('a', { uplink: 10 * MB }),
      setting.network.host('b'),
    );
    const start = setting.time.now();
    for (let i = 0; i < 100; i++) near.socket.send(frame(MB));
    setting.time.run();
    expect(far.seen.bytes).toBe(100 * MB);
    expect(far.seen.lastAt - start).toBeCloseTo(10_000 + 5, 6);
  });

  it('moves bytes at the rate of the downlink where that is the smaller', () => {
    const setting = new Setting({ delay: 5 });
    const down = setting.network.host('b', { downlink: 10 * MB });
    const { near, far } = setting.connect(setting.network.host('a', { uplink: 100 * MB }), down);
    const start = setting.time.now();
    for (let i = 0; i < 100; i++) near.socket.send(frame(MB));
    setting.time.run();
    // The first quantum has to cross the uplink before the downlink can begin.
    expect(far.seen.lastAt - start).toBeGreaterThan(10_005);
    expect(far.seen.lastAt - start).toBeLessThan(10_006);
  });

  it('counts the overhead of packets', () => {
    const setting = new Setting({ delay: 0, overhead: 1538 / 1460 });
    const { near, far } = setting.connect(
      setting.network.host('a', { uplink: 10 * MB }),
      setting.network.host('b'),
    );
    near.socket.send(frame(10 * MB));
    setting.time.run();
    expect(far.seen.lastAt).toBeCloseTo((1000 * 1538) / 1460, 6);
  });

  it('shares an uplink fairly, whatever the sizes of the messages', () => {
    const setting = new Setting();
    const seeder = setting.network.host('a', { uplink: 10 * MB });
    const one = setting.connect(seeder, setting.network.host('b'));
    const other = setting.connect(seeder, setting.network.host('c'));
    for (let i = 0; i < 10; i++) one.near.socket.send(frame(MB));
    for (let i = 0; i < 1000; i++) other.near.socket.send(frame(16 * 1024));
    setting.time.run({ until: 1000 });
    expect(one.far.seen.bytes).toBeGreaterThanOrEqual(4 * MB);
    expect(one.far.seen.bytes).toBeLessThanOrEqual(5.1 * MB);
    expect(other.far.seen.bytes).toBeGreaterThan(4.9 * MB);
    expect(other.far.seen.bytes).toBeLessThan(5.1 * MB);
  });

  it('gives the share of an idle connection to the busy one', () => {
    const setting = new Setting();
    const seeder = setting.network.host('a', { uplink: 10 * MB });
    const slow = setting.connect(seeder, setting.network.host('b', { downlink: MB }));
    const fast = setting.connect(seeder, setting.network.host('c'));
    for (let i = 0; i < 20; i++) slow.near.socket.send(frame(MB));
    for (let i = 0; i < 20; i++) fast.near.socket.send(frame(MB));
    setting.time.run({ until: 2000 });
    expect(fast.far.seen.bytes).toBeGreaterThanOrEqual(17 * MB);
    expect(slow.far.seen.bytes).toBeGreaterThanOrEqual(MB);
    expect(slow.far.seen.bytes).toBeLessThanOrEqual(2 * MB);
  });

  it('delays each byte by the distance, and a connection by two round trips', () => {
    const setting = new Setting({ delay: 1 });
    const [a, b] = [setting.network.host('a'), setting.network.host('b')];
    setting.network.setDelay(a, b, 40);
    const { near, far } = setting.connect(a, b);
    expect(setting.time.now()).toBe(160);
    near.socket.send(frame(100));
    setting.time.run({ until: 300 });
    expect(far.seen.lastAt).toBe(200);
    near.socket.send(frame(1000));
    setting.time.run({ until: 310 });
    setting.network.setDelay(a, b, 5);
    near.socket.send(frame(100));
    setting.time.run();
    expect(far.seen.lastAt).toBe(340);
    expect(far.seen.log.filter((line) => line.startsWith('arrived'))).toEqual([
      'arrived 100',
      'arrived 1000',
      'arrived 100',
    ]);
  });

  it('takes no more into the send buffer than fits, and tells when more has', () => {
    const setting = new Setting({ delay: 0, sendBuffer: 256 * 1024 });
    const { near } = setting.connect(setting.network.host('a', { uplink: MB }), setting.network.host('b'));
    for (let i = 0; i < 16; i++) near.socket.send(frame(64 * 1024));
    setting.time.run({ until: 0 });
    expect(near.seen.acceptedBytes).toBe(256 * 1024);
    setting.time.run({ until: 16.4 });
    expect(near.seen.acceptedBytes).toBe(256 * 1024);
    setting.time.run({ until: 65.6 });
    expect(near.seen.acceptedBytes).toBe(320 * 1024);
    setting.time.run();
    expect(near.seen.acceptedBytes).toBe(1024 * 1024);
  });

  it('holds back a sender whose receiver is slow', () => {
    const setting = new Setting({ delay: 1 });
    const slow = setting.network.host('b', { downlink: MB });
    const { near } = setting.connect(setting.network.host('a'), slow);
    for (let i = 0; i < 100; i++) near.socket.send(frame(64 * 1024));
    setting.time.run({ until: 100 });
    expect(near.seen.acceptedBytes).toBeLessThan(256 * 1024 + 64 * 1024 + 110_000);
  });

  it('breaks a connection in the middle of a message at both ends', () => {
    const setting = new Setting({ delay: 2 });
    const { near, far } = setting.connect(
      setting.network.host('a', { uplink: MB }),
      setting.network.host('b'),
    );
    near.socket.send(frame(MB));
    setting.time.run({ until: 500 });
    near.socket.cut();
    setting.time.run();
    expect(near.seen.log).toEqual(['network-error']);
    expect(far.seen.log).toEqual(['begun 1000000', 'network-error']);
    expect(far.seen.lastAt).toBe(502);
    expect(near.socket.host.sockets.size).toBe(0);
  });

  it('delivers what was sent before an orderly close, and then the close', () => {
    const setting = new Setting({ delay: 2 });
    const { near, far } = setting.connect(
      setting.network.host('a', { uplink: MB }),
      setting.network.host('b'),
    );
    near.socket.send(frame(MB));
    near.socket.finish();
    far.socket.send(frame(10));
    setting.time.run();
    expect(far.seen.log).toEqual(['begun 1000000', 'arrived 1000000', 'remote-closed']);
    expect(near.seen.log).toEqual([]);
  });

  it('refuses dials to a dead host at once, and to a dark one after the time-out', () => {
    const setting = new Setting({ delay: 2, dialTimeout: 3000 });
    const [a, b] = [setting.network.host('a'), setting.network.host('b')];
    setting.network.kill(b);
    const dial = (): void =>
      setting.network.dial(
        a,
        b,
        () => expect.fail(),
        () => expect.fail(),
        () => setting.dialsFailed++,
      );
    dial();
    setting.time.run();
    expect([setting.dialsFailed, setting.time.now()]).toEqual([1, 4]);
    setting.network.vanish(b);
    dial();
    setting.time.run({ when: () => setting.dialsFailed === 2 });
    expect([setting.dialsFailed, setting.time.now()]).toEqual([2, 3004]);
  });

  it('resets the connections of a killed host, and leaves those of a vanished one hanging until it is given up', () => {
    const setting = new Setting({ delay: 2 });
    const [a, b, c] = ['a', 'b', 'c'].map((name) => setting.network.host(name)) as [
      VirtualHost,
      VirtualHost,
      VirtualHost,
    ];
    const toKilled = setting.connect(a, b);
    const toVanished = setting.connect(a, c);
    setting.network.kill(b);
    setting.network.vanish(c);
    for (let i = 0; i < 2000; i++) toVanished.near.socket.send(frame(64 * 1024));
    setting.time.run({ until: 80_000 });
    expect(toKilled.near.seen.log).toEqual(['network-error']);
    expect(toKilled.far.seen.log).toEqual([]);
    expect(toVanished.near.seen.log).toEqual([]);
    expect(toVanished.near.seen.acceptedBytes).toBeLessThan(2000 * 64 * 1024);
    expect(toVanished.far.seen.bytes).toBe(0);
    setting.time.run();
    expect(toVanished.near.seen.log).toEqual(['idle']);
  });

  it('changes rates in mid-run, and stands still at 0', () => {
    const setting = new Setting();
    const a = setting.network.host('a', { uplink: MB });
    const { near, far } = setting.connect(a, setting.network.host('b'));
    for (let i = 0; i < 30; i++) near.socket.send(frame(100_000));
    setting.time.run({ until: 1000 });
    expect(far.seen.bytes).toBe(900_000);
    a.setRates({ uplink: 0 });
    setting.time.run({ until: 5000 });
    expect(far.seen.bytes).toBe(MB);
    a.setRates({ uplink: 2 * MB });
    setting.time.run();
    expect(far.seen.bytes).toBe(3 * MB);
    expect(far.seen.lastAt).toBeGreaterThan(5990);
    expect(far.seen.lastAt).toBeLessThan(6010);
  });
});
