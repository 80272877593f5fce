import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** Whoever was to get the answer is gone, or takes nothing of it. */
class GoneError extends Error {}

/** The answer to one request: its body goes out as fast as it is taken, and not for ever where it is not. */
export class Outlet {
  readonly #response: ServerResponse;
  #waiting: PromiseWithResolvers<void> | undefined;

  /** @param idle milliseconds for which nothing may be taken */
  constructor(response: ServerResponse, idle: number) {
    this.#response = response;
    response.once('close', () => this.#waiting?.reject(new GoneError('the connection was closed')));
    // Only for the reader: what he waits for has a deadline of its own.
    response.setTimeout(idle, () => {
      if (this.#waiting !== undefined) response.destroy();
    });
  }

  /**
   * Sends an answer with the first chunk of its body at hand: while there is none, a problem can be answered instead.
   * A chunk is asked for when the system has taken the one before.
   * @throws whatever the chunks throw; GoneError
   */
  async send(
    status: number,
    headers: OutgoingHttpHeaders,
    chunks: AsyncGenerator<Uint8Array>,
  ): Promise<void> {
    try {
      let next = await chunks.next();
      this.#response.writeHead(status, headers);
      for (; !next.done; next = await chunks.next()) await this.#write(next.value);
      this.#response.end();
    } finally {
      await chunks.return(undefined);
    }
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#response.destroyed) throw new GoneError('the connection was closed');
    const waiting = Promise.withResolvers<void>();
    this.#waiting = waiting;
    this.#response.write(chunk, (error) => {
      // After an error the connection is closed, and the answer with it.
      if (!error) waiting.resolve();
    });
    await waiting.promise;
    this.#waiting = undefined;
  }
}
