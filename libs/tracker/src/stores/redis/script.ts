import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { scriptingOf } from './batch.ts';

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** Runs a script that has one key and answers one string; Redis is told the text where it does not know it. */
export async function run(
  client: Redis | Cluster,
  { text, sha1 }: Script,
  key: string,
  args: readonly (string | Buffer)[],
): Promise<Buffer> {
  const scripting = scriptingOf(client);
  try {
    return await scripting.evalshaBuffer(sha1, 1, key, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return scripting.evalBuffer(text, 1, key, ...args);
  }
}
