import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { freePort } from '../support/ports.ts';
import { Process, until } from '../support/processes.ts';
import { type Scope, scoped } from '../support/scope.ts';

const MAIN = fileURLToPath(new URL('../../services/tracker/dist/main.js', import.meta.url));
const HOST = '127.0.0.1';
const PICKED = {
  TRACKER_HOST: HOST,
  TRACKER_HTTP_PORT: '0',
  TRACKER_UDP_PORT: '0',
  TRACKER_GRPC_PORT: '0',
  TRACKER_OPS_PORT: '0',
};

interface Started {
  readonly process: Process;
  readonly http: number;
  readonly ops: number;
}

async function start(scope: Scope, env: Readonly<Record<string, string>> = {}): Promise<Started> {
  const started = await run(scope, env);
  const line = await started.line('log line of its ports', (text) => text.includes('tracker is ready'), 60);
  const { http, ops } = JSON.parse(line);
  return { process: started, http, ops };
}

function run(scope: Scope, env: Readonly<Record<string, string>>): Promise<Process> {
  return Process.start(scope, 'tracker service', [process.execPath, MAIN], { env: { ...PICKED, ...env } });
}

function announce({ http }: Started, port: number): Promise<Response> {
  const ids = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(15)}${port}`;
  return fetch(
    `http://${HOST}:${http}/announce?${ids}&port=${port}&uploaded=0&downloaded=0&left=0&compact=1`,
  );
}

async function readyz({ ops }: Started): Promise<{ code: number; status: string } | undefined> {
  try {
    const response = await fetch(`http://${HOST}:${ops}/readyz`);
    return { code: response.status, ...((await response.json()) as { status: string }) };
  } catch {
    return undefined;
  }
}

it('serves announces, tells how it fares, and ends in good order', () =>
  scoped(async (scope) => {
    const service = await start(scope);
    expect((await announce(service, 10_001)).status).toBe(200);
    expect(await (await announce(service, 10_002)).text()).toContain('8:completei2e');
    expect(await readyz(service)).toMatchObject({ code: 200, status: 'ready' });
    const metrics = await (await fetch(`http://${HOST}:${service.ops}/metrics`)).text();
    for (const line of [
      /^pixtorrent_tracker_announces_total\{frontend="http",event="none",result="ok"\} 2$/m,
      /^pixtorrent_tracker_announce_seconds_bucket\{le="\+Inf",frontend="http"\} 2$/m,
      /^pixtorrent_tracker_peers 2$/m,
      /^pixtorrent_tracker_seeders 2$/m,
      /^pixtorrent_tracker_swarms 1$/m,
      /^pixtorrent_tracker_connections\{frontend="http"\} \d+$/m,
      /^pixtorrent_tracker_nodejs_eventloop_lag_p99_seconds /m,
    ])
      expect(metrics).toMatch(line);
    service.process.signal('SIGTERM');
    expect(await service.process.exit(60)).toEqual({ code: 0, signal: null });
    for (const line of service.process.stdout) expect(JSON.parse(line)).toMatchObject({ service: 'tracker' });
  }));

it('answers what is in flight before it ends, and /readyz turns first', () =>
  scoped(async (scope) => {
    const service = await start(scope, { TRACKER_DRAIN_DELAY: '1s' });
    const socket = connect(service.http, HOST);
    scope.defer(() => socket.destroy());
    let answer = '';
    socket.setEncoding('latin1').on('data', (text) => {
      answer += text;
    });
    const ids = `info_hash=${'a'.repeat(20)}&peer_id=${'b'.repeat(20)}`;
    socket.write(
      `GET /announce?${ids}&port=1&uploaded=0&downloaded=0&left=0&compact=1 HTTP/1.1\r\nHost: x\r\n`,
    );
    service.process.signal('SIGTERM');
    await until(
      60,
      async () => ((await readyz(service))?.code === 503 ? true : undefined),
      () => service.process.failure('/readyz did not turn'),
      20,
    );
    expect((await announce(service, 10_001)).status).toBe(200);
    socket.write('\r\n');
    expect(await service.process.exit(60)).toEqual({ code: 0, signal: null });
    expect(answer).toContain('8:completei');
  }));

it('ends at once when it is asked twice', () =>
  scoped(async (scope) => {
    const service = await start(scope, { TRACKER_DRAIN_DELAY: '10m' });
    service.process.signal('SIGTERM');
    await until(
      60,
      async () => ((await readyz(service))?.code === 503 ? true : undefined),
      () => service.process.failure('/readyz did not turn'),
    );
    service.process.signal('SIGTERM');
    expect(await service.process.exit(60)).toEqual({ code: 143, signal: null });
  }));

describe('refuses to start', () => {
  it('with settings that are wrong, and names all of them', () =>
    scoped(async (scope) => {
      const service = await run(scope, {
        TRACKER_HTTP_PORT: 'http',
        TRACKER_INTERVAL: '120',
        TRACKER_OPEN: 'maybe',
        TRACKER_ANNOUNCE_KEYS: 'hunter2!',
        TRACKER_GPRC_PORT: '1',
      });
      expect(await service.exit(60)).toEqual({ code: 2, signal: null });
      expect(service.stdout).toEqual([]);
      expect(service.log).not.toContain('hunter2');
      expect(service.log.split('\n')).toEqual([
        'pixtorrent-tracker: 5 variables are wrong',
        'TRACKER_HTTP_PORT is "http"; expected a port from 0 to 65535, where 0 picks one, or off',
        'TRACKER_INTERVAL is "120"; expected a time from 5s to 1d, such as 30s',
        'TRACKER_OPEN is "maybe"; expected true or false',
        expect.stringMatching(/^TRACKER_ANNOUNCE_KEYS is not right; expected /),
        'TRACKER_GPRC_PORT is not known, did you mean TRACKER_GRPC_PORT?',
      ]);
    }));

  it.each(['TRACKER_HTTP_PORT', 'TRACKER_UDP_PORT', 'TRACKER_GRPC_PORT', 'TRACKER_OPS_PORT'])(
    'where %s is taken, and says so in one line',
    (name) =>
      scoped(async (scope) => {
        const port = `${await freePort()}`;
        await start(scope, { [name]: port });
        const second = await run(scope, { [name]: port });
        expect(await second.exit(60)).toEqual({ code: 3, signal: null });
        const lines = second.log.split('\n').filter((line) => !line.startsWith('{'));
        expect(lines).toEqual([
          expect.stringMatching(
            new RegExp(
              `^pixtorrent-tracker: cannot (listen|bind) 127\\.0\\.0\\.1 port ${port}: address already in use$`,
            ),
          ),
        ]);
      }),
  );
});
