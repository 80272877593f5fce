import type { Host } from '../../integration-tests/support/namespaces.ts';
import { run } from '../../integration-tests/support/processes.ts';

/** One request of curl's, with a process and a connection of its own. */
export interface Fetched {
  /** Milliseconds from before the connection to the first byte of the answer. */
  readonly first: number;
  /** Milliseconds to the last. */
  readonly whole: number;
  /** Bytes. */
  readonly size: number;
}

/** @throws Error where the answer is none of 200 and 206 */
export async function fetchByCurl(host: Host, url: string, range?: string): Promise<Fetched> {
  const format = '%{http_code} %{time_starttransfer} %{time_total} %{size_download}';
  const ranged = range === undefined ? [] : ['--range', range];
  const answer = await run(['curl', '-s', '-o', '/dev/null', ...ranged, '-w', format, url], host);
  const [code, first, whole, size] = answer.split(' ').map(Number) as [number, number, number, number];
  if (code !== 200 && code !== 206) throw new Error(`${url}: ${code}`);
  return { first: first * 1000, whole: whole * 1000, size };
}
