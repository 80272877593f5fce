import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { peer } from '@pixtorrent/contracts';
import type { PeerPorts } from '@pixtorrent/peer-node-service';
import { messages, type Services } from '../cluster/services.ts';
import { CliError } from '../errors.ts';
import type { NodeWord } from './node-process.ts';

/** Beside this file, compiled or not. */
const PROCESS = fileURLToPath(new URL(`./node-process${extname(import.meta.url)}`, import.meta.url));
/** How long a node may take to leave in good order, milliseconds. */
const STOP_TIME = 5000;
/** Between two of its figures, milliseconds. */
const INTERVAL = 200;

/** How far a node is with the content. Bytes, bytes a second. */
export type NodeFigures = Pick<peer.Torrent, 'have' | 'downRate' | 'upRate' | 'peers' | 'completedMs'>;

const NOTHING_YET: NodeFigures = { have: 0, downRate: 0, upRate: 0, peers: 0, completedMs: 0 };

/** The peer-node service in a process of its own, followed by its gRPC. */
export class SwarmNode {
  readonly name: string;
  readonly dir: string;
  /** Fulfilled when the tracker knows of it, with its ports. */
  readonly ready: Promise<PeerPorts>;
  figures: NodeFigures = NOTHING_YET;
  readonly #begun = Promise.withResolvers<void>();
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  /** Rejects when it ends before it was told to. */
  readonly #ended = Promise.withResolvers<never>();
  readonly #killAtExit = (): void => void this.#child.kill('SIGKILL');
  #stopping = false;

  /** @param env its settings, beside its name and its folder */
  constructor(name: string, dir: string, env: Readonly<Record<string, string>>, verbose: boolean) {
    this.name = name;
    this.dir = dir;
    this.#child = fork(PROCESS, verbose ? ['verbose'] : [], {
      stdio: ['ignore', 'ignore', verbose ? 'inherit' : 'ignore', 'ipc'],
      env: { ...withoutSettings(process.env), ...env, PEER_NAME: name, PEER_DIR: dir },
    });
    process.once('exit', this.#killAtExit);
    const ready = Promise.withResolvers<PeerPorts>();
    let fault = '';
    this.#child.on('message', (word: NodeWord) => {
      if (word.type === 'ready') ready.resolve(word.ports);
      else fault = `: ${word.message}`;
    });
    this.#exited = new Promise((resolve) => {
      const end = (why: string): void => {
        process.off('exit', this.#killAtExit);
        resolve();
        if (this.#stopping) return;
        this.#ended.reject(new CliError('node-ended', `the process of ${name} ended (${why})${fault}`));
      };
      this.#child.once('error', (error) => end(error.message));
      this.#child.once('close', (code, signal) => end(signal ?? `exit code ${code}`));
    });
    this.#ended.promise.catch(() => {});
    this.ready = this.orEnd(ready.promise);
    // Whoever waits for it is told.
    this.ready.catch(() => {});
  }

  /** @throws CliError `node-ended`, where that is what happens first */
  orEnd<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#ended.promise]);
  }

  /** Fulfilled when it has begun to get the content, of one that is followed. @throws CliError `node-ended` */
  begun(): Promise<void> {
    return this.orEnd(this.#begun.promise);
  }

  /** Keeps `figures` up to date. Fulfilled when it has all of the content. @throws CliError */
  whole(services: Services, infoHash: Buffer): Promise<void> {
    return this.orEnd(this.#follow(services, infoHash));
  }

  async #follow(services: Services, infoHash: Buffer): Promise<void> {
    const { grpc } = await this.ready;
    const request = { infoHashes: [infoHash], intervalMs: INTERVAL };
    const client = await services.node(`127.0.0.1:${grpc}`);
    const stream = client.watchTorrents(request);
    for await (const { torrents } of messages(this.name, stream)) {
      const [torrent] = torrents;
      if (torrent === undefined) continue;
      if (torrent.error !== '')
        throw new CliError('node-ended', `${this.name} cannot go on: ${torrent.error}`);
      this.figures = torrent;
      this.#begun.resolve();
      if (torrent.completedMs > 0) return;
    }
  }

  /** Has it leave in good order, or at once if that takes too long. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIME);
    await this.#exited;
    clearTimeout(timer);
  }
}

/** What somebody has set for a node of theirs is not meant for these. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('PEER_')));
}
