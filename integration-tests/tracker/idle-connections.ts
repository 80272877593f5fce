/**
 * Opens connections, and does nothing with them until it is ended: `node idle-connections.ts HOST PORT COUNT`. They come
 * from many addresses, for one has not enough ports.
 */
import { connect } from 'node:net';

const [host, port, count] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const PER_ADDRESS = 4000;
/** Connections that are being made at the same time. */
const ABREAST = 200;

let begun = 0;
let open = 0;
let closed = 0;

function next(): void {
  if (begun === count) return;
  const localAddress = `127.0.2.${1 + Math.floor(begun / PER_ADDRESS)}`;
  begun++;
  const socket = connect({ host, port, localAddress }, () => {
    open++;
    if (open === count) console.log('open');
    next();
  });
  socket.on('error', (error) => {
    throw error;
  });
  socket.on('close', () => {
    closed++;
    if (closed === 1) console.log('closed by the other side');
  });
}

for (let i = 0; i < ABREAST; i++) next();
