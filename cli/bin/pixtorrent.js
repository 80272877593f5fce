#!/usr/bin/env node
// Runs on the Node that the project pins where the one that was found is too old for it.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';

const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  await import('../dist/main.js');
} else {
  const pinned = findPinned();
  // By the channel the other process notices when this one is killed.
  const child = spawn(pinned, process.argv.slice(1), { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => refuse(`cannot start ${pinned}: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function findPinned() {
  try {
    return createRequire(import.meta.url).resolve('node/bin/node');
  } catch {
    return refuse(`needs Node 22.19 or later, and this is ${process.version}; in a clone, run npm ci`);
  }
}

function refuse(reason) {
  console.error(`pixtorrent: ${reason}`);
  process.exit(2);
}
