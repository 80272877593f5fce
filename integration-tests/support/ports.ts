import { createServer } from 'node:net';

/** Below those that systems give to connections that go out: one of these would take a port that was just free. */
const [FIRST, LAST] = [15_000, 32_000];
const ATTEMPTS = 100;
const given = new Set<number>();

/** A TCP port of the loopback interface that nobody listens on, and that was not given before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
  throw new Error(`no free port from ${FIRST} to ${LAST} was found`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
