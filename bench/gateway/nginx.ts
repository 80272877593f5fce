import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../../integration-tests/support/namespaces.ts';
import { Process, run, until } from '../../integration-tests/support/processes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';

const PORT = 8080;

export interface Nginx {
  readonly url: string;
  /** Of the process that serves. */
  readonly pid: number;
}

/** Debian's nginx with a folder, as its own configuration has it: `sendfile` and `tcp_nopush`. */
export async function startNginx(scope: Scope, folder: string, host: Host): Promise<Nginx> {
  const home = await scope.folder();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(home, name)};`,
  );
  const configuration = `
    daemon off; master_process off; pid ${join(home, 'pid')}; error_log ${join(home, 'error.log')};
    events { worker_connections 768; }
    http {
      access_log off; sendfile on; tcp_nopush on; types_hash_max_size 2048; ${temporary.join(' ')}
      server { listen ${host.address}:${PORT}; root ${folder}; }
    }`;
  await writeFile(join(home, 'nginx.conf'), configuration);
  const command = ['/usr/sbin/nginx', '-e', join(home, 'error.log'), '-c', join(home, 'nginx.conf')];
  const nginx = await Process.start(scope, 'nginx', command, { host });
  await until(
    10,
    async () => ((await run(['ss', '-Hltn', `sport = :${PORT}`], host)) === '' ? undefined : true),
    () => nginx.failure('does not listen'),
    20,
  );
  return { url: `http://${host.address}:${PORT}`, pid: nginx.pid };
}

export async function nginxVersion(): Promise<string> {
  // It writes it to standard error.
  return (await run(['sh', '-c', '/usr/sbin/nginx -v 2>&1'])).trim().replace('nginx version: ', '');
}
