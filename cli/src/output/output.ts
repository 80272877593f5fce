import { formatEvent, type OutputEvent } from './ndjson.ts';
import { type ProgressView, progressView } from './progress.ts';

/**
 * What a command tells, in one of two languages: words for people, or events for programs. Results go to standard
 * output; progress and what is said meanwhile to standard error.
 */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** A line of `--json`. */
  event(event: OutputEvent): void {
    if (this.json) process.stdout.write(formatEvent(event));
  }

  /** A line of the result, for people. */
  print(line: string): void {
    if (!this.json) process.stdout.write(`${line}\n`);
  }

  /** A line about what goes on, for people. */
  note(line: string): void {
    if (!this.json) process.stderr.write(`${line}\n`);
  }

  /** @param title what is being done, such as `hashing` */
  progress(title: string): ProgressView {
    return progressView(title, this.json);
  }
}
