import { constants } from 'node:os';

// The first process of a container is ended by no signal that it does not handle, so what others handle later, or never
// do, is handled here: from before the service is loaded.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + constants.signals[signal]);
  });
