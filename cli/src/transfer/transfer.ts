import type { Client, TorrentSession } from '@pixtorrent/client';
import { toHex } from '@pixtorrent/core';
import { interruption } from '../interrupt.ts';
import type { TransferFigures } from '../output/ndjson.ts';
import type { Output } from '../output/output.ts';
import type { ProgressView } from '../output/progress.ts';
import { bytes, counted, duration, perSecond } from '../output/words.ts';
import { Patience } from './patience.ts';

/** Between two progress events, milliseconds. */
const TICK = 1000;

/** A session that people or programs watch: what it tells them, and when it is over. */
export class Transfer {
  readonly #session: TorrentSession;
  readonly #output: Output;
  readonly #whole: Promise<void>;
  readonly #failed: Promise<never>;
  readonly #patience: Patience;
  readonly #started = performance.now();
  readonly #said = new Set<string>();
  #view: ProgressView | undefined;
  #tick: NodeJS.Timeout | undefined;

  private constructor(session: TorrentSession, output: Output, patience: number) {
    this.#session = session;
    this.#output = output;
    this.#patience = new Patience(patience, performance.now());
    this.#whole = new Promise((resolve) => {
      session.once('complete', resolve);
    });
    this.#failed = new Promise((_, reject) => {
      session.once('failed', reject);
      this.#patience.lost = reject;
    });
    this.#failed.catch(() => {});
    session.on('lost', (_piece, error) => this.#lost(error));
    session.on('tracker', (url, status) => this.#patience.tracker(url, status));
  }

  /**
   * Starts a session and says that it listens.
   * @param patience seconds without a peer and without progress after which a download fails; 0 is for ever
   */
  static start(client: Client, session: TorrentSession, output: Output, patience = 0): Transfer {
    const transfer = new Transfer(session, output, patience);
    session.start();
    const { infoHash } = session.metainfo;
    const { host, port } = client;
    output.event({ event: 'ready', infoHash: toHex(infoHash), host, port });
    transfer.#tick = setInterval(() => transfer.#report(), TICK);
    return transfer;
  }

  /**
   * Waits until all that is wanted is here.
   * @throws StorageError, CliError `no-peers` or `interrupted`
   */
  async whole(): Promise<void> {
    this.#view = this.#output.progress('getting');
    await Promise.race([this.#whole, this.#failed, interruption()]);
    this.#view.end();
    this.#view = undefined;
    const seconds = (performance.now() - this.#started) / 1000;
    const { downloaded, total } = this.#session.stats();
    this.#output.event({ event: 'complete', downloaded, seconds: Math.round(seconds * 1000) / 1000 });
    const got =
      downloaded === 0
        ? 'it was there already'
        : `got ${bytes(downloaded)} in ${duration(seconds)}, ${perSecond(downloaded / seconds)}`;
    this.#output.print(`whole: ${bytes(total)}, ${got}`);
  }

  /** Gives to others until the end. @throws CliError `interrupted`, StorageError */
  seeding(): Promise<never> {
    this.#patience.end();
    this.#view = this.#output.progress('seeding');
    return Promise.race([this.#failed, interruption()]);
  }

  end(): void {
    clearInterval(this.#tick);
    this.#view?.end();
  }

  #report(): void {
    const stats = this.#session.stats();
    const { downloaded, uploaded, have, total, peers, pieces } = stats;
    const downRate = Math.round(stats.downRate);
    const upRate = Math.round(stats.upRate);
    const figures: TransferFigures = { downloaded, uploaded, have, total, downRate, upRate, peers, pieces };
    this.#output.event({ event: 'progress', ...figures });
    this.#view?.update(have, total, describe(figures));
    const waiting = this.#patience.look(figures, performance.now());
    if (waiting !== undefined) this.#view?.say(waiting);
  }

  /** The log names each piece; here each file is named once. */
  #lost(error: Error): void {
    if (this.#said.has(error.message) || this.#said.size >= 100) return;
    this.#said.add(error.message);
    const code = 'code' in error ? String(error.code) : 'read-failed';
    this.#output.event({ event: 'error', code, message: error.message });
  }
}

function describe({ have, total, downRate, upRate, peers, uploaded }: TransferFigures): string {
  const parts = [
    `${bytes(have)} of ${bytes(total)}`,
    `${perSecond(downRate)} down`,
    `${perSecond(upRate)} up`,
    counted(peers, 'peer'),
  ];
  if (have < total && downRate > 0) parts.push(`${duration((total - have) / downRate)} left`);
  if (have === total) parts.push(`${bytes(uploaded)} sent`);
  return parts.join(', ');
}
