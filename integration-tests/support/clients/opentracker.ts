import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../namespaces.ts';
import { Process, run, until } from '../processes.ts';
import type { Scope } from '../scope.ts';

const PORT = 6969;

/**
 * opentracker, which serves the given swarms alone.
 * @returns its announce URL
 */
export async function opentracker(scope: Scope, infoHashes: readonly string[], host?: Host): Promise<string> {
  const folder = await scope.folder();
  // It reads its files as nobody.
  await chmod(folder, 0o755);
  const whitelist = join(folder, 'whitelist');
  const settings = join(folder, 'opentracker.conf');
  const address = host?.address ?? '127.0.0.1';
  await writeFile(whitelist, `${infoHashes.join('\n')}\n`);
  await writeFile(settings, `listen.tcp_udp ${address}:${PORT}\naccess.whitelist ${whitelist}\n`);
  const process = await Process.start(scope, 'opentracker', ['opentracker', '-f', settings, '-d', '/'], {
    host,
  });
  await until(
    10,
    async () => ((await run(['ss', '-Hltn', `sport = :${PORT}`], host)).trim() ? true : undefined),
    () => process.failure('does not listen'),
  );
  return opentrackerUrl(host);
}

/** Where `opentracker` will answer. */
export function opentrackerUrl(host?: Host): string {
  return `http://${host?.address ?? '127.0.0.1'}:${PORT}/announce`;
}
