import { randomUUID } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { ClusterError, type Roster } from '@pixtorrent/cluster';
import type { cluster as wire } from '@pixtorrent/contracts';
import type { Clock, Timer, Timers } from '@pixtorrent/core';
import { type ErrorMapper, InvalidArgument, StatusError, toServiceError } from '@pixtorrent/service-kit';
import type { RegistrationEnd } from './cluster-metrics.ts';
import { nodeAskedFor } from './node-request.ts';

export type RegisterCall = ServerDuplexStream<wire.RegisterRequest, wire.RegisterResponse>;

export interface RegistrationDependencies {
  readonly call: RegisterCall;
  readonly roster: Roster;
  readonly timers: Timers;
  /** Tells milliseconds since 1970. */
  readonly wallClock: Clock;
  readonly mapError: ErrorMapper;
}

/**
 * One stream, and the node that it speaks for. What is said is worked on one by one: the next message waits at the node.
 * A node that says nothing for as long as it is good has been let go by then, and learns that by the end of its stream.
 */
export class Registration {
  readonly #deps: RegistrationDependencies;
  readonly #claim: (name: string) => void;
  readonly #holder = randomUUID();
  readonly #over = Promise.withResolvers<RegistrationEnd>();
  #name: string | undefined;
  #since: number | undefined;
  /** Whether the store knows that the name is this stream's. */
  #isHolder = false;
  #silence: Timer | undefined;
  #end: RegistrationEnd | undefined;

  /** @param claim told the name, as soon as it is known */
  constructor(dependencies: RegistrationDependencies, claim: (name: string) => void) {
    this.#deps = dependencies;
    this.#claim = claim;
  }

  get name(): string | undefined {
    return this.#name;
  }

  /** Fulfilled when the stream is over, whyever. */
  run(): Promise<RegistrationEnd> {
    const { call } = this.#deps;
    call.on('data', (request: wire.RegisterRequest) => {
      if (this.#end !== undefined) return;
      call.pause();
      this.#receive(request).then(
        () => call.resume(),
        (error: unknown) => this.#fail(error),
      );
    });
    call.once('end', () => this.#finish('lost'));
    call.once('cancelled', () => this.#finish('lost'));
    // The stream ends by a status that it makes of the error; there is nothing to add.
    call.on('error', () => {});
    if (call.cancelled) this.#finish('lost');
    else this.#listen();
    return this.#over.promise;
  }

  /** Tells the node to register again after so many milliseconds, and ends. It is good until then. */
  goAway(goAwayAfterMs: number): void {
    if (this.#end !== undefined) return;
    this.#deps.call.write({ goodForMs: this.#deps.roster.goodFor, goAwayAfterMs });
    this.#finish('away');
  }

  /** Another stream has registered the name. */
  replace(): void {
    this.#fail(new ClusterError('replaced', `${this.#name} has been registered anew since`));
  }

  async #receive({ node: message, leaving }: wire.RegisterRequest): Promise<void> {
    this.#listen();
    const { roster, wallClock, call } = this.#deps;
    if (!leaving || this.#name === undefined) {
      this.#since ??= Math.floor(wallClock.now());
      const node = nodeAskedFor(message, this.#since);
      this.#call(node.name);
      const claim = { holder: this.#holder, takesOver: !this.#isHolder };
      if (await roster.put(node, claim)) this.#isHolder = true;
    }
    if (this.#end !== undefined) return;
    if (leaving) {
      await roster.remove(this.#name!, this.#holder);
      this.#finish('left');
    } else await new Promise((resolve) => call.write({ goodForMs: roster.goodFor }, resolve));
  }

  #call(name: string): void {
    if (this.#name === undefined) {
      this.#name = name;
      this.#claim(name);
    } else if (name !== this.#name) {
      const description = `has to stay ${this.#name} for as long as the stream is open`;
      throw new InvalidArgument([{ field: 'node.name', description }]);
    }
  }

  #listen(): void {
    const { timers, roster } = this.#deps;
    this.#silence?.cancel();
    this.#silence = timers.after(roster.goodFor, () =>
      this.#fail(new StatusError('DEADLINE_EXCEEDED', `nothing was said for ${roster.goodFor} ms`)),
    );
  }

  #fail(error: unknown): void {
    if (this.#end !== undefined) return;
    const { call, mapError } = this.#deps;
    this.#finish(endBecauseOf(error));
    call.emit('error', toServiceError(error, mapError));
  }

  #finish(end: RegistrationEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#silence?.cancel();
    if (end === 'left' || end === 'lost' || end === 'away') this.#deps.call.end();
    this.#over.resolve(end);
  }
}

function endBecauseOf(error: unknown): RegistrationEnd {
  if (error instanceof StatusError) return error.code === 'DEADLINE_EXCEEDED' ? 'silent' : 'wrong';
  return error instanceof ClusterError && error.code === 'replaced' ? 'replaced' : 'failed';
}
