import cliProgress from 'cli-progress';

/** How far something is, shown in place on a terminal, and by a line now and then elsewhere. */
export interface ProgressView {
  /** @param note what else is to be seen beside the part that is done */
  update(done: number, total: number, note?: string): void;
  /** A line that stays, above what is shown. */
  say(line: string): void;
  end(): void;
}

/** Between two lines where there is no terminal, milliseconds. */
const LINE_PERIOD = 10_000;

/** A view on standard error; with `json` nothing is shown. */
export function progressView(title: string, json: boolean): ProgressView {
  if (json) return { update() {}, say() {}, end() {} };
  return process.stderr.isTTY ? new BarView(title) : new LineView(title);
}

class BarView implements ProgressView {
  readonly #title: string;
  readonly #bar: cliProgress.SingleBar;
  #started = false;

  constructor(title: string) {
    this.#title = title;
    this.#bar = new cliProgress.SingleBar({
      format: '{title} {bar} {percentage}% {note}',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      barsize: 24,
      fps: 5,
      emptyOnZero: true,
      barCompleteChar: '█',
      barIncompleteChar: '░',
    });
  }

  update(done: number, total: number, note = ''): void {
    const payload = { title: this.#title, note };
    if (!this.#started) this.#bar.start(total, done, payload);
    else this.#bar.update(done, payload);
    this.#started = true;
  }

  say(line: string): void {
    process.stderr.write(`\r\u001b[K${line}\n`);
  }

  end(): void {
    if (this.#started) this.#bar.stop();
  }
}

class LineView implements ProgressView {
  readonly #title: string;
  #next = performance.now() + LINE_PERIOD;

  constructor(title: string) {
    this.#title = title;
  }

  update(done: number, total: number, note = ''): void {
    if (performance.now() < this.#next) return;
    this.#next = performance.now() + LINE_PERIOD;
    this.say(`${this.#title} ${percent(done, total)} ${note}`.trimEnd());
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  end(): void {}
}

/** Rounded down: 100 % is only what is whole. */
export function percent(done: number, total: number): string {
  return `${total === 0 ? 100 : Math.floor((done / total) * 100)}%`;
}
