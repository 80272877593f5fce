import { fileURLToPath } from 'node:url';
import { type Host, network } from '../../integration-tests/support/namespaces.ts';
import { type PeerNodeProcess, startPeerNode } from '../../integration-tests/support/peer-node.ts';
import { run, until } from '../../integration-tests/support/processes.ts';
import type { Scope } from '../../integration-tests/support/scope.ts';
import { startTrackerService, type TrackerService } from '../../integration-tests/support/tracker-service.ts';
import { type Nginx, startNginx } from './nginx.ts';

export const FILE = 'content.bin';
export const SOURCE = 'source';
const TOKEN = 'a-token-of-the-benchmark';
const INGEST = fileURLToPath(new URL('ingest.ts', import.meta.url));

/** A source with nginx beside its peer-node, and a machine that reads from it. */
export interface Stage {
  readonly tracker: TrackerService;
  readonly source: PeerNodeProcess;
  readonly sourceHost: Host;
  /** The same as the source's where they talk over loopback. */
  readonly readerHost: Host;
  readonly nginx: Nginx;
  /** Has the source take the file in. */
  ingest(name: string, replicas: number): Promise<void>;
}

/** @param folder holds the file @param pieceLength bytes @param uplink bits a second of each machine; loopback where it is missing */
export async function openStage(
  scope: Scope,
  folder: string,
  pieceLength: number,
  uplink?: number,
): Promise<Stage> {
  const hosts = await network(scope, uplink === undefined ? { hosts: 1 } : { hosts: 2, uplink });
  const sourceHost = hosts[0]!;
  const tracker = await startTrackerService(scope, { host: sourceHost });
  const source = await startPeerNode(scope, {
    tracker,
    name: SOURCE,
    host: sourceHost,
    trackerHost: sourceHost.address,
    env: { PEER_INGEST_DIR: folder, PEER_TOKEN: TOKEN },
  });
  const grpc = `${sourceHost.address}:${source.grpc}`;
  return {
    tracker,
    source,
    sourceHost,
    readerHost: hosts.at(-1)!,
    nginx: await startNginx(scope, folder, sourceHost),
    async ingest(name, replicas) {
      await run(
        [process.execPath, INGEST, grpc, TOKEN, name, String(replicas), String(pieceLength), FILE],
        sourceHost,
      );
    },
  };
}

/** A node on the reading machine that has nothing, and knows what there is. */
export async function startReader(
  scope: Scope,
  stage: Stage,
  name: string,
  content: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PeerNodeProcess> {
  const host = stage.readerHost;
  const trackerHost = stage.sourceHost.address;
  const node = await startPeerNode(scope, { tracker: stage.tracker, name, host, trackerHost, env });
  const url = `${urlOf(host, node, content)}/`;
  await until(
    10,
    async () =>
      (await run(['curl', '-s', '-o', '/dev/null', '-w', '%{http_code}', url], host)) === '200' || undefined,
    () => node.process.failure(`does not know ${content}`),
  );
  return node;
}

export function urlOf(host: Host, { http }: PeerNodeProcess, content: string): string {
  return `http://${host.address}:${http}/v1/content/${content}`;
}
