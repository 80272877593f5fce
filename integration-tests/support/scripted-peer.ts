import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import type { Endpoint } from './clients/client.ts';
import type { Scope } from './scope.ts';

const HANDSHAKE = 68;
const PREFIX = Buffer.concat([Buffer.from([19]), Buffer.from('BitTorrent protocol'), Buffer.alloc(8)]);
const UNCHOKE = Buffer.from([0, 0, 0, 1, 1]);
const REQUEST = 6;
const PIECE = 7;

/** The 68 bytes that open a connection (BEP 3), without any extension. */
export function handshake(infoHash: Buffer, peerId = randomPeerId()): Buffer {
  return Buffer.concat([PREFIX, infoHash, peerId]);
}

function randomPeerId(): Buffer {
  return Buffer.concat([Buffer.from('-XX0001-'), randomBytes(12)]);
}

export interface LyingPeer {
  readonly endpoint: Endpoint;
  readonly peerId: Buffer;
  /** How often somebody came, how many blocks they were sent, and how many of them are still connected. */
  readonly seen: { connections: number; blocks: number; open: number };
}

/** What a peer says that lies at times only. */
export interface Truth {
  /** All of the torrent. */
  readonly content: Buffer;
  readonly pieceLength: number;
  /** Whether the next block is a wrong one. */
  readonly lies: () => boolean;
}

/** A peer that says it has every piece and answers requests with bytes of the right length, all or some wrong (BEP 3). */
export async function lyingPeer(scope: Scope, pieces: number, truth?: Truth): Promise<LyingPeer> {
  const peerId = randomPeerId();
  const seen = { connections: 0, blocks: 0, open: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    seen.connections++;
    seen.open++;
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      seen.open--;
      sockets.delete(socket);
    });
    let unread = Buffer.alloc(0);
    let greeted = false;
    socket.on('data', (bytes) => {
      unread = Buffer.concat([unread, bytes]);
      if (!greeted && unread.length >= HANDSHAKE) {
        greeted = true;
        // Encrypted handshakes are refused, as by any peer without them: the other side may come again in the clear.
        if (!unread.subarray(0, 20).equals(PREFIX.subarray(0, 20))) return void socket.destroy();
        socket.write(Buffer.concat([handshake(unread.subarray(28, 48), peerId), bitfield(pieces), UNCHOKE]));
        unread = unread.subarray(HANDSHAKE);
      }
      while (greeted && unread.length >= 4 && unread.length >= 4 + unread.readUInt32BE(0)) {
        const message = unread.subarray(4, 4 + unread.readUInt32BE(0));
        unread = unread.subarray(4 + message.length);
        if (message[0] !== REQUEST) continue;
        seen.blocks++;
        socket.write(blockFor(message, truth?.lies() === false ? truth : undefined));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.defer(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no address');
  return { endpoint: { host: '127.0.0.1', port: address.port }, peerId, seen };
}

function bitfield(pieces: number): Buffer {
  const bytes = Buffer.alloc(Math.ceil(pieces / 8), 0xff);
  const spare = bytes.length * 8 - pieces;
  bytes[bytes.length - 1] = (0xff << spare) & 0xff;
  const header = Buffer.from([0, 0, 0, 0, 5]);
  header.writeUInt32BE(1 + bytes.length);
  return Buffer.concat([header, bytes]);
}

function blockFor(request: Buffer, truth: Truth | undefined): Buffer {
  const length = request.readUInt32BE(9);
  const block = Buffer.alloc(13 + length, 0x5a);
  const at = request.readUInt32BE(1) * (truth?.pieceLength ?? 0) + request.readUInt32BE(5);
  truth?.content.copy(block, 13, at, at + length);
  block.writeUInt32BE(9 + length, 0);
  block[4] = PIECE;
  request.copy(block, 5, 1, 9);
  return block;
}
