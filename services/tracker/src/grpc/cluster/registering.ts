import { StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { ClusterMetrics } from './cluster-metrics.ts';
import { type RegisterCall, Registration, type RegistrationDependencies } from './registration.ts';

export interface RegisteringDependencies extends Omit<RegistrationDependencies, 'call'> {
  readonly metrics: ClusterMetrics;
}

/** Milliseconds over which nodes that are sent away come back, so that they do not come in step. */
const SPREAD = 1000;

/** All calls of Register that are under way. */
export class Registering {
  readonly #dependencies: RegisteringDependencies;
  readonly #maxStreams: number;
  readonly #streams = new Set<Registration>();
  readonly #byName = new Map<string, Registration>();
  #closed = false;

  constructor(dependencies: RegisteringDependencies, maxStreams: number) {
    this.#dependencies = dependencies;
    this.#maxStreams = maxStreams;
  }

  get streams(): number {
    return this.#streams.size;
  }

  accept(call: RegisterCall): void {
    const { metrics, mapError } = this.#dependencies;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      call.emit('error', toServiceError(refusal, mapError));
      return;
    }
    const registration: Registration = new Registration({ ...this.#dependencies, call }, (name) => {
      this.#byName.get(name)?.replace();
      this.#byName.set(name, registration);
    });
    this.#streams.add(registration);
    registration.run().then((end) => {
      const { name } = registration;
      metrics.ends.inc({ reason: end });
      this.#streams.delete(registration);
      if (name !== undefined && this.#byName.get(name) === registration) this.#byName.delete(name);
    });
  }

  close(): void {
    this.#closed = true;
    let wait = 0;
    for (const registration of this.#streams) registration.goAway(wait++ % SPREAD);
  }

  #refusal(): StatusError | undefined {
    if (this.#closed)
      return new StatusError('UNAVAILABLE', 'this service is about to end: register again, elsewhere', {
        retryAfter: 0,
      });
    if (this.#streams.size >= this.#maxStreams)
      return new StatusError('RESOURCE_EXHAUSTED', `${this.#maxStreams} are registered here already`);
    return undefined;
  }
}
