/** How one part of a service is: `degraded` works, but not as well as it should; `failed` does not work. */
export type CheckResult =
  | { readonly status: 'ok' }
  | { readonly status: 'degraded' | 'failed'; readonly reason: string };

export type Check = () => CheckResult;

/** Work is to be sent to what is `ready` or `degraded`. */
export type ReadinessStatus = 'starting' | 'ready' | 'degraded' | 'failed' | 'stopping';

export interface ReadinessReport {
  readonly status: ReadinessStatus;
  readonly checks: Readonly<Record<string, CheckResult>>;
}

/** Whether a service is to be given work. A degraded one is, it is there to work without what it lacks; a failed one not. */
export class Readiness {
  readonly #checks = new Map<string, Check>();
  #phase: 'starting' | 'running' | 'stopping' = 'starting';

  /** @param check reads what is known already: it is asked often, and never waited for */
  add(name: string, check: Check): void {
    this.#checks.set(name, check);
  }

  /** starting -> running */
  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  /** starting | running -> stopping */
  stopping(): void {
    this.#phase = 'stopping';
  }

  report(): ReadinessReport {
    const checks = Object.fromEntries([...this.#checks].map(([name, check]) => [name, check()]));
    if (this.#phase !== 'running') return { status: this.#phase, checks };
    const some = (wanted: CheckResult['status']): boolean =>
      Object.values(checks).some(({ status }) => status === wanted);
    return { status: some('failed') ? 'failed' : some('degraded') ? 'degraded' : 'ready', checks };
  }
}
