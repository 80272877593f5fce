import type { SwarmLine, SwarmsMessage } from '../messages.d.ts';
import { Bar } from './bar.ts';
import { element, setAttribute, setText } from './element.ts';
import { Tiles } from './tiles.ts';
import type { View } from './view.ts';
import { byName, bytes, counted, left, percent, perSecond } from './words.ts';

const COLUMNS = [
  'Swarm',
  'Size',
  'Nodes whole',
  'Copies of the rarest piece',
  'Rate',
  'Time left',
  'Warnings',
];

/** All swarms, a line each. */
export class SwarmsView implements View {
  readonly title = 'Swarms · PixTorrent';
  readonly url = 'v1/events';
  readonly event = 'swarms';
  readonly root: HTMLElement;
  readonly #tiles = new Tiles();
  readonly #body = element('tbody');
  readonly #table: HTMLElement;
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the service');
  readonly #lines = new Map<string, Line>();

  constructor() {
    const head = element('tr', {}, ...COLUMNS.map((name) => element('th', { scope: 'col' }, name)));
    this.#table = element(
      'div',
      { class: 'panel scrolls', hidden: true },
      element(
        'table',
        { class: 'swarms' },
        element('caption', { class: 'hidden' }, 'All swarms'),
        element('thead', {}, head),
        this.#body,
      ),
    );
    this.root = element(
      'div',
      { class: 'view' },
      element('h1', { tabindex: -1 }, 'Swarms'),
      this.#tiles.root,
      this.#empty,
      this.#table,
    );
  }

  show({ whole, swarms, gone }: SwarmsMessage): void {
    const left = new Set(whole ? this.#lines.keys() : gone);
    for (const swarm of swarms) {
      left.delete(swarm.infoHash);
      let line = this.#lines.get(swarm.infoHash);
      if (line === undefined) {
        line = new Line();
        this.#lines.set(swarm.infoHash, line);
      }
      line.show(swarm);
    }
    for (const key of left) {
      this.#lines.get(key)?.root.remove();
      this.#lines.delete(key);
    }
    this.#sort();
    this.#sum();
  }

  close(): void {}

  #sort(): void {
    const lines = [...this.#lines.values()].sort((a, b) => byName(a.key, b.key));
    lines.forEach(({ root }, n) => {
      if (this.#body.children[n] !== root) this.#body.insertBefore(root, this.#body.children[n] ?? null);
    });
  }

  #sum(): void {
    const all = Array.from(this.#lines.values(), ({ swarm }) => swarm);
    const sum = (of: (swarm: SwarmLine) => number): number =>
      all.reduce((total, swarm) => total + of(swarm), 0);
    this.#table.hidden = all.length === 0;
    this.#empty.hidden = all.length > 0;
    setText(this.#empty, 'No node reports a swarm yet. Publish something, and it appears here.');
    const warnings = sum((swarm) => swarm.warnings.length);
    this.#tiles.show([
      { name: 'Swarms', value: String(all.length) },
      { name: 'Roll-outs done', value: String(all.filter((one) => one.whole === one.nodes).length) },
      { name: 'Rate', value: perSecond(sum(({ downRate }) => downRate)) },
      { name: 'Warnings', value: String(warnings), tone: warnings > 0 ? 'bad' : 'good' },
    ]);
  }
}

class Line {
  readonly root = element('tr');
  readonly #link = element('a');
  readonly #bar = new Bar();
  readonly #size = element('td', { class: 'number' });
  readonly #nodes = element('span');
  readonly #copies = element('td', { class: 'number' });
  readonly #rate = element('td', { class: 'number' });
  readonly #left = element('td', { class: 'number' });
  readonly #warnings = element('td');
  swarm!: SwarmLine;

  constructor() {
    this.root.append(
      element('th', { scope: 'row' }, this.#link),
      this.#size,
      element('td', { class: 'with-bar' }, this.#nodes, this.#bar.root),
      this.#copies,
      this.#rate,
      this.#left,
      this.#warnings,
    );
  }

  get key(): string {
    return `${this.swarm.name} ${this.swarm.infoHash}`;
  }

  show(swarm: SwarmLine): void {
    this.swarm = swarm;
    const { name, infoHash, warnings } = swarm;
    setAttribute(this.#link, 'href', `#/swarms/${encodeURIComponent(name === '' ? infoHash : name)}`);
    setText(this.#link, name === '' ? infoHash : name);
    setText(this.#size, bytes(swarm.size));
    const some = swarm.completion.p50;
    setText(this.#nodes, `${swarm.whole} of ${swarm.nodes}`);
    setAttribute(this.#nodes, 'title', `the median node has ${percent(some)}`);
    this.#bar.show(some);
    setText(this.#copies, String(swarm.availability));
    setText(this.#rate, perSecond(swarm.downRate));
    setText(this.#left, left(swarm));
    const isCritical = warnings.some(({ severity }) => severity === 'critical');
    const tone = warnings.length === 0 ? 'quiet' : isCritical ? 'is-critical' : 'is-warning';
    setText(this.#warnings, warnings.length === 0 ? 'none' : counted(warnings.length, 'warning'));
    setAttribute(this.#warnings, 'class', tone);
    setAttribute(this.#warnings, 'title', warnings.map(({ message }) => message).join('\n'));
  }
}
