import type { Clock } from '@pixtorrent/core';
import { ReportError } from './errors.ts';
import type { KnownNode } from './known-node.ts';
import type { NodeReport } from './report.ts';

/** What a node is answered. */
export interface ReportAnswer {
  /** Of the report that was taken in. */
  readonly sequence: number;
  /** Info hashes of torrents that are not known well enough: a snapshot of each is needed, or of all. */
  readonly unknown: readonly Uint8Array[];
  readonly all: boolean;
}

/** What a stream does with a report that follows those before. */
export interface Reception {
  /** @throws ReportError where nothing of it is taken in */
  begin(stream: ReportStream, report: NodeReport): KnownNode;
  /** Reports were lost on the way: what is known of the node is in doubt. */
  doubt(node: KnownNode): void;
  take(node: KnownNode, report: NodeReport): readonly Uint8Array[];
}

/** Seconds of reports that may come at once: what was held back on the way. */
const BURST = 10;

/** The reports of one node, as they come by one stream. */
export class ReportStream {
  /** Greater than that of a stream that was opened before. */
  readonly order: number;
  readonly #reception: Reception;
  readonly #clock: Clock;
  /** Reports a second. */
  readonly #rate: number;
  #node: KnownNode | undefined;
  #sequence = 0;
  #credit: number;
  #creditAt: number;

  constructor(
    reception: Reception,
    { clock, rate, order }: { readonly clock: Clock; readonly rate: number; readonly order: number },
  ) {
    this.order = order;
    this.#reception = reception;
    this.#clock = clock;
    this.#rate = rate;
    this.#credit = rate * BURST;
    this.#creditAt = clock.now();
  }

  /** Takes in all of a report, or nothing. @throws ReportError */
  receive(report: NodeReport): ReportAnswer {
    this.#spend(this.#clock.now());
    const { sequence } = report;
    if (this.#node !== undefined) {
      const { name } = this.#node;
      if (report.node !== name) throw new ReportError('other-node', 'node', `has to stay ${name}`);
      if (sequence <= this.#sequence)
        throw new ReportError('bad-sequence', 'sequence', `is ${sequence}, after ${this.#sequence}`);
    }
    const node = this.#reception.begin(this, report);
    this.#node = node;
    const all = sequence !== this.#sequence + 1;
    if (all) this.#reception.doubt(node);
    const unknown = this.#reception.take(node, report);
    this.#sequence = sequence;
    return { sequence, unknown, all };
  }

  #spend(now: number): void {
    const gained = ((now - this.#creditAt) / 1000) * this.#rate;
    this.#credit = Math.min(this.#rate * BURST, this.#credit + gained);
    this.#creditAt = now;
    if (this.#credit < 1)
      throw new ReportError('flood', 'sequence', `come faster than ${this.#rate} a second`);
    this.#credit--;
  }
}
