import { Latencies } from './latencies.ts';

/** What became of one kind of question at one frontend: how often, by what was asked and how it ended, and how fast. */
export class Tally {
  readonly latencies = new Latencies();
  readonly #counts = new Map<string, Map<string, number>>();

  /** @param asked and @param result words of the code, never of an asker */
  count(asked: string, result: string, seconds: number): void {
    let results = this.#counts.get(asked);
    if (results === undefined) {
      results = new Map();
      this.#counts.set(asked, results);
    }
    results.set(result, (results.get(result) ?? 0) + 1);
    this.latencies.observe(seconds);
  }

  *counts(): Generator<{ readonly asked: string; readonly result: string; readonly count: number }> {
    for (const [asked, results] of this.#counts)
      for (const [result, count] of results) yield { asked, result, count };
  }
}
