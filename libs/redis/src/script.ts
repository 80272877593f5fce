import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';

/** A script, and the keys that it is given, by their names in the script. */
export interface Script<Key extends string> {
  readonly text: string;
  readonly sha1: string;
  readonly keys: readonly Key[];
}

export function script<Key extends string>(keys: readonly Key[], body: string): Script<Key> {
  const text = `local ${keys.join(', ')} = unpack(KEYS)\n${body}`;
  return { text, sha1: createHash('sha1').update(text).digest('hex'), keys };
}

/**
 * Runs a script by its digest; Redis is told the text where it does not know it.
 * @param names of the keys, which lie in one slot
 */
export async function runScript<Key extends string>(
  client: Redis | Cluster,
  { text, sha1, keys }: Script<Key>,
  names: Readonly<Record<Key, string>>,
  args: readonly (string | number | Buffer)[],
): Promise<unknown> {
  const given = keys.map((key) => names[key]);
  try {
    return await client.evalsha(sha1, given.length, ...given, ...args);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
    return await client.eval(text, given.length, ...given, ...args);
  }
}
