import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';

export interface Script {
  readonly text: string;
  readonly sha1: string;
}

export function script(text: string): Script {
  return { text, sha1: createHash('sha1').update(text).digest('hex') };
}

/** What every client of ioredis can do, and its types do not say. */
interface Scripting {
  evalshaBuffer(sha1: string, keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
  evalBuffer(text: string, keys: 1, key: string, ...args: readonly (string | Buffer)[]): Promise<Buffer>;
}

/** Runs a script that has one key and answers one string; Redis is told the text where it does not know it. */
export async function run(
  client: Redis | Cluster,
  { text, sha1 }: Script,
  key: string,
  args: readonly (string | Buffer)[],
): Promise<Buffer> {
  const scripting = client as unknown as Scripting;
  try {
    return await scripting.evalshaBuffer(sha1, 1, key, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return scripting.evalBuffer(text, 1, key, ...args);
  }
}
