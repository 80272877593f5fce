import { expect, it } from 'vitest';
import { PIXTORRENT } from '../support/clients/pixtorrent.ts';
import { freePort } from '../support/ports.ts';
import { Process } from '../support/processes.ts';
import { type Scope, scoped } from '../support/scope.ts';
import { pixtorrent } from './command.ts';

interface Ready {
  readonly host: string;
  readonly port?: number;
  readonly http?: string;
  readonly udp?: string;
  readonly grpc?: string;
  readonly ops?: string;
}

async function tracker(scope: Scope, ...args: string[]): Promise<{ process: Process; ready: Ready }> {
  const command = [...PIXTORRENT, 'tracker', '--host', '127.0.0.1', '--json', ...args];
  const started = await Process.start(scope, 'pixtorrent tracker', command);
  const line = await started.line('event "ready"', (text) => text.includes('"ready"'), 60);
  return { process: started, ready: JSON.parse(line) };
}

it('is the whole service: every way in, and the endpoints for those who run it', () =>
  scoped(async (scope) => {
    const { process, ready } = await tracker(scope, '--http-port', '0');
    expect(ready).toEqual({
      event: 'ready',
      host: '127.0.0.1',
      port: expect.any(Number),
      http: `http://127.0.0.1:${ready.port}/announce`,
      udp: expect.stringMatching(/^udp:\/\/127\.0\.0\.1:\d+$/),
      grpc: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      ops: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    });
    const ids = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}`;
    const announced = await fetch(`${ready.http}?${ids}&port=1&uploaded=0&downloaded=0&left=0&compact=1`);
    expect(await announced.text()).toContain('8:completei1e');
    const metrics = await (await fetch(`${ready.ops}/metrics`)).text();
    expect(metrics).toMatch(/^pixtorrent_tracker_announces_total\{frontend="http",.*\} 1$/m);
    process.signal('SIGINT');
    expect(await process.exit(60)).toEqual({ code: 130, signal: null });
  }));

it('opens no port that is off', () =>
  scoped(async (scope) => {
    const off = ['--udp-port', 'off', '--grpc-port', 'off', '--ops-port', 'off'];
    const { ready } = await tracker(scope, '--http-port', '0', ...off);
    expect(Object.keys(ready)).toEqual(['event', 'host', 'port', 'http']);
  }));

it('says by options, not by variables, what is wrong', async () => {
  const port = `${await freePort()}`;
  for (const [args, said] of [
    [['--store', 'cupboard'], /--store/],
    [['--store', 'redis://hunter2@'], /--store is not right/],
    [['--http-port', 'none'], /--http-port none/],
    [['--host', 'no host'], /--host is "no host"/],
    [['--http-port', port, '--grpc-port', port], new RegExp(`--grpc-port is "${port}" like --http-port`)],
  ] as const) {
    const { code, stdout, stderr } = await pixtorrent(['tracker', ...args]);
    expect(code, stderr).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^pixtorrent: [^\n]+\n$/);
    expect(stderr).toMatch(said);
    expect(stderr).not.toMatch(/TRACKER_|REDIS_|hunter2/);
  }
});

it('is explained by --help, with examples', async () => {
  const { code, stdout } = await pixtorrent(['tracker', '--help']);
  expect(code).toBe(0);
  for (const word of [
    '--udp-port',
    '--grpc-port',
    '--ops-port',
    '--store',
    'off for none',
    'pixtorrent tracker --store',
  ])
    expect(stdout).toContain(word);
});
