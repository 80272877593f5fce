import { constants } from 'node:os';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Has the first SIGTERM or SIGINT end the service in good order; a second one ends the process at once.
 * @returns what forgets it again
 */
export function onTermination(end: (signal: NodeJS.Signals) => void): () => void {
  let ending = false;
  const listener = (signal: NodeJS.Signals): void => {
    if (ending) process.exit(128 + constants.signals[signal]);
    ending = true;
    end(signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return () => {
    for (const signal of SIGNALS) process.off(signal, listener);
  };
}
