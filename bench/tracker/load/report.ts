/** What a load process prints, one line, when it is done. */
export interface LoadResult {
  readonly seconds: number;
  readonly answers: number;
  readonly failures: number;
  /** Share of one core that the load itself used: near 1, it may have been the bound. */
  readonly ownCpu: number;
  /** Milliseconds from when a request was due to its answer; only where a rate was set. */
  readonly latency?: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** What a load process is told, as its one argument in JSON. */
export interface LoadOrder {
  readonly host: string;
  readonly port: number;
  readonly swarms: number;
  readonly peersPerSwarm: number;
  readonly numWant: number;
  /** Sockets; each comes from an address of its own. */
  readonly sockets: number;
  /** HTTP: whether the server closes after each answer. */
  readonly closes: boolean;
  /** Seconds, or every peer once. */
  readonly until: number | 'everybody';
  /** Announces a second; as many as go where it is missing. */
  readonly rate?: number;
}

export function readOrder(): LoadOrder {
  return JSON.parse(process.argv[2]!);
}

/** Counts answers until the end is called, then prints one line and ends the process. */
export class Tally {
  readonly #latencies: number[] = [];
  readonly #started = performance.now();
  readonly #cpu = process.cpuUsage();
  #answers = 0;
  #failures = 0;
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** @param due when the request was to be sent, where there is a schedule */
  answered(due: number | undefined, ok: boolean): void {
    if (this.#ended) return;
    this.#answers++;
    if (!ok) this.#failures++;
    if (due !== undefined) this.#latencies.push(performance.now() - due);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const seconds = (performance.now() - this.#started) / 1000;
    const { user, system } = process.cpuUsage(this.#cpu);
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
    const result: LoadResult = {
      seconds,
      answers: this.#answers,
      failures: this.#failures,
      ownCpu: (user + system) / 1e6 / seconds,
      ...(sorted.length > 0 && { latency: { p50: at(0.5), p99: at(0.99), max: sorted.at(-1)! } }),
    };
    process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
  }
}
