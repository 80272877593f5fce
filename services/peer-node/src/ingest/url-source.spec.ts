import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AllowedHosts, isInternal } from './addresses.ts';
import { openUrl } from './url-source.ts';

const FILE = Buffer.from('0123456789'.repeat(10_000));

let server: Server;
let base: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let asked: { url: string; range: string | undefined }[];

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    asked.push({ url: request.url!, range: request.headers.range });
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const allowed = new AllowedHosts(['127.0.0.0/8']);
const never = new AbortController().signal;

async function get(url: string, hosts = allowed) {
  const file = await openUrl(url, never, { allowed: hosts, stall: 5000, attempts: 2 });
  try {
    const parts: Uint8Array[] = [];
    for await (const part of file.bytes(never)) parts.push(part);
    return { name: file.name, size: file.size, bytes: Buffer.concat(parts) };
  } finally {
    await file.close();
  }
}

/** Sends the file, or the range of it that is asked for, and breaks off after `most` bytes. */
function send(request: IncomingMessage, response: ServerResponse, most = FILE.length, etag = '"v1"'): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const partial = from > 0 && request.headers['if-range'] === etag;
  const rest = partial ? FILE.subarray(from) : FILE;
  response.writeHead(partial ? 206 : 200, {
    etag,
    'content-length': rest.length,
    ...(partial && { 'content-range': `bytes ${from}-${FILE.length - 1}/${FILE.length}` }),
  });
  if (rest.length <= most) return void response.end(rest);
  response.write(rest.subarray(0, most), () => response.socket!.end());
}

describe('openUrl', () => {
  it('brings a file under its own name', async () => {
    answer = send;
    expect(await get(`${base}/models/weights%20v2.bin?token=x`)).toEqual({
      name: 'weights v2.bin',
      size: FILE.length,
      bytes: FILE,
    });
  });

  it('asks for the rest when the connection breaks', async () => {
    answer = (request, response) => send(request, response, 40_000);
    expect((await get(`${base}/f`)).bytes).toEqual(FILE);
    expect(asked.map(({ range }) => range)).toEqual([undefined, 'bytes=40000-', 'bytes=80000-']);
  });

  it('does not glue two files together when the one has changed meanwhile', async () => {
    let times = 0;
    answer = (request, response) => send(request, response, 40_000, `"v${++times}"`);
    await expect(get(`${base}/f`)).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(/cannot be resumed/),
    });
  });

  it('follows a few links, and looks at each', async () => {
    answer = (request, response) => {
      const hop = Number(request.url!.slice(1));
      if (hop === 3) send(request, response);
      else response.writeHead(302, { location: `/${hop + 1}` }).end();
    };
    expect((await get(`${base}/0`)).bytes).toEqual(FILE);
    answer = (_, response) => void response.writeHead(302, { location: '/again' }).end();
    await expect(get(`${base}/0`)).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(/on and on/),
    });
    answer = (_, response) => void response.writeHead(302, { location: 'http://169.254.169.254/meta' }).end();
    await expect(get(`${base}/0`)).rejects.toMatchObject({ code: 'refused', message: /169\.254/ });
    answer = (_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end();
    await expect(get(`${base}/0`)).rejects.toMatchObject({ code: 'invalid' });
  });

  it.each(['http://localhost', 'http://127.0.0.1', 'http://[::1]', 'http://2130706433', 'http://0x7f.1'])(
    'refuses %s, whose address is internal',
    async (host) => {
      const port = new URL(base).port;
      const nobody = new AllowedHosts([]);
      await expect(get(`${host}:${port}/f`, nobody)).rejects.toMatchObject({ code: 'refused' });
      expect(asked).toEqual([]);
    },
  );

  it('refuses what is no URL for a file, and what answers with something else', async () => {
    await expect(get('ftp://example.org/f')).rejects.toMatchObject({ code: 'invalid' });
    await expect(get('http://user:secret@example.org/f')).rejects.toMatchObject({
      code: 'invalid',
      message: expect.not.stringContaining('secret'),
    });
    answer = (_, response) => void response.writeHead(404).end();
    await expect(get(`${base}/f`)).rejects.toMatchObject({
      code: 'source',
      message: expect.stringMatching(/status 404/),
    });
    server.close();
    server.closeAllConnections();
    await expect(get(`${base}/f`)).rejects.toMatchObject({ code: 'source' });
  });
});

describe('isInternal', () => {
  it.each(['10.1.2.3', '172.31.0.1', '192.168.1.1', '100.64.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1'])(
    'takes %s for internal',
    (address) => {
      expect(isInternal(address)).toBe(true);
      expect(isInternal(`::ffff:${address}`)).toBe(true);
    },
  );

  it.each([
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    '2001:db8::1',
    'x',
  ])('takes %s for internal', (address) => expect(isInternal(address)).toBe(true));

  it.each(['1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])(
    'takes %s for public',
    (address) => expect(isInternal(address)).toBe(false),
  );
});

it('allows hosts by name, domain and network', () => {
  const hosts = new AllowedHosts(['models.example', '.corp.example', '10.1.0.0/16', 'fd00::/8']);
  expect(hosts.has('MODELS.example', '10.9.9.9')).toBe(true);
  expect(hosts.has('a.corp.example.', '10.9.9.9')).toBe(true);
  expect(hosts.has('corp.example', '10.9.9.9')).toBe(false);
  expect(hosts.has('evil-models.example', '10.9.9.9')).toBe(false);
  expect(hosts.has('x', '10.1.2.3')).toBe(true);
  expect(hosts.has('x', 'fd12::1')).toBe(true);
});
