export type Connection = 'connecting' | 'live' | 'lost';

export interface LiveListener {
  onMessage(event: string, data: unknown): void;
  onConnection(state: Connection): void;
}

/** Milliseconds. */
const SHORTEST_WAIT = 500;
const LONGEST_WAIT = 8000;
/** Milliseconds of silence after which a connection is taken for dead: the service says something every 5 s. */
const MOST_SILENCE = 15_000;

/**
 * Events of the service for as long as somebody looks: it connects again by itself, sooner at first, and lets go while
 * the page is hidden.
 */
export class Live {
  readonly #url: string;
  readonly #events: readonly string[];
  readonly #listener: LiveListener;
  readonly #onVisibility = (): void => {
    if (document.hidden) this.#drop();
    else if (this.#source === undefined) this.#connect();
  };
  #source: EventSource | undefined;
  #timer: number | undefined;
  #wait = SHORTEST_WAIT;

  constructor(url: string, events: readonly string[], listener: LiveListener) {
    this.#url = url;
    this.#events = events;
    this.#listener = listener;
    document.addEventListener('visibilitychange', this.#onVisibility);
    if (!document.hidden) this.#connect();
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#drop();
  }

  #connect(): void {
    const source = new EventSource(this.#url);
    this.#source = source;
    this.#watch();
    for (const name of [...this.#events, 'alive'])
      source.addEventListener(name, ({ data }) => {
        if (this.#source !== source) return;
        this.#wait = SHORTEST_WAIT;
        this.#watch();
        this.#listener.onConnection('live');
        if (name !== 'alive') this.#listener.onMessage(name, JSON.parse(data));
      });
    source.onerror = () => {
      if (this.#source === source) this.#lost();
    };
  }

  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lost(), MOST_SILENCE);
  }

  #lost(): void {
    this.#drop();
    this.#listener.onConnection('lost');
    this.#timer = setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(LONGEST_WAIT, this.#wait * 1.6);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }
}
