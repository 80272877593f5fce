import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { ClientError } from '@pixtorrent/client';
import { MetainfoError } from '@pixtorrent/metainfo';
import { NetworkError, StorageError } from '@pixtorrent/node-io';
import { expect, it } from 'vitest';
import { CliError } from './errors.ts';
import { failureOf } from './failure.ts';

it.each([
  [1, new MetainfoError('piece-length', 'info.piece length', 'is 0')],
  [1, new CliError('not-whole', 'x')],
  [1, new ClientError('nothing-to-seed', 'x')],
  [2, new CliError('usage', 'x')],
  [3, new ClientError('no-metadata', 'x')],
  [3, new CliError('no-peers', 'x')],
  [3, new NetworkError('address-in-use', 'x')],
  [4, new StorageError('disk-full', '/x', 'x')],
  [4, new StorageError('read-failed', '/x', 'x')],
  [130, new CliError('interrupted', 'x')],
  [1, new TypeError('x')],
])('exit code %d for %o', (exitCode, error) => {
  expect(failureOf(error)).toMatchObject({ exitCode, internal: error instanceof TypeError });
});

it('a path that is not there is bad input, and is named', async () => {
  const error = await readFile('/no/such/file').catch((cause) => cause);
  expect(failureOf(error)).toMatchObject({ exitCode: 1, code: 'enoent' });
  expect(failureOf(error).message).toContain('/no/such/file');
});

it('a port that is taken is the network', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const second = createServer().listen(port, '127.0.0.1');
  const error = await new Promise((resolve) => second.once('error', resolve));
  server.close();
  expect(failureOf(error)).toMatchObject({ exitCode: 3, code: 'eaddrinuse' });
  expect(failureOf(error).message).toContain(`port ${port}`);
});

it('says what to do about a full disk', () => {
  expect(failureOf(new StorageError('disk-full', '/x', 'cannot write /x: no space left')).message).toMatch(
    /^cannot write \/x: no space left; free some space/,
  );
});

it('is one line, whatever a torrent or a peer put into it', () => {
  const { message } = failureOf(new MetainfoError('missing', 'a\nb', '\u001b[2J\r\u202e gone'));
  expect(message).toMatch(/^[^\p{Cc}\u202e]+$/u);
});
