import type { ServerResponse } from 'node:http';

/** Bytes that may wait for a reader: it is told no more differences then, but all of it when it has read them. */
const MOST_WAITING = 128 * 1024;
/** Milliseconds in which a reader has to read what waits for it. */
const MAX_STALL = 30_000;
/** Milliseconds of silence after which a reader is told that the connection lives. */
const HEARTBEAT = 5000;

/** One reader of server-sent events. What waits for it is bounded: the beginning, and little beside. */
export class EventClient {
  readonly #response: ServerResponse;
  #behind = true;
  #toldAt = 0;
  #waitsSince: number | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that would collect what is told have to let it through.
      'x-accel-buffering': 'no',
    });
    response.write('retry: 1000\n\n');
  }

  /**
   * @param change an event, where something has changed
   * @param whole the event of all there is, for who has missed something
   * @returns false where it does not read, and is to be let go
   */
  tell(change: string | undefined, whole: () => string, now: number): boolean {
    const waiting = this.#response.writableLength;
    if (waiting === 0) this.#waitsSince = undefined;
    else this.#waitsSince ??= now;
    if (this.#waitsSince !== undefined && now - this.#waitsSince > MAX_STALL) return false;
    if (!this.#behind && change !== undefined && waiting > MOST_WAITING) this.#behind = true;
    if (this.#behind) {
      if (waiting > 0) return true;
      this.#behind = false;
      this.#write(whole(), now);
    } else if (change !== undefined) this.#write(change, now);
    else if (now - this.#toldAt >= HEARTBEAT) this.#write('event: alive\ndata: 0\n\n', now);
    return true;
  }

  end(): void {
    this.#response.destroy();
  }

  #write(event: string, now: number): void {
    this.#toldAt = now;
    this.#response.write(event);
  }
}
