import type { NodeMessage } from '../messages.d.ts';
import { Bar } from './bar.ts';
import { element, setAttribute, setText } from './element.ts';
import type { NodeState } from './swarm-state.ts';
import { byName, duration, percent, perSecond } from './words.ts';

type Direction = 'ascending' | 'descending';

interface Column {
  readonly name: string;
  readonly number?: boolean;
  /** Ascending; by name of the node where it says nothing else. */
  readonly order: (a: NodeMessage, b: NodeMessage) => number;
  /** At the first press. */
  readonly first: Direction;
}

const COLUMNS: readonly Column[] = [
  { name: 'Node', order: (a, b) => byName(a.node, b.node), first: 'ascending' },
  { name: 'Zone', order: (a, b) => byName(a.zone, b.zone), first: 'ascending' },
  { name: 'Has', order: (a, b) => a.completion - b.completion, first: 'descending' },
  { name: 'Gets', number: true, order: (a, b) => a.down - b.down, first: 'descending' },
  { name: 'Gives', number: true, order: (a, b) => a.up - b.up, first: 'descending' },
  { name: 'Alone', number: true, order: (a, b) => a.sole - b.sole, first: 'descending' },
  { name: 'State', order: (a, b) => byName(stateOf(a).text, stateOf(b).text), first: 'ascending' },
];
/** Milliseconds between two sortings: lines that jump cannot be read. */
const PERIOD = 2000;

/** The nodes of a swarm, a line each, in the order that the reader chose. */
export class NodeTable {
  readonly root: HTMLElement;
  readonly #body = element('tbody');
  readonly #heads: HTMLElement[];
  readonly #lines = new Map<string, Line>();
  #column = COLUMNS[0]!;
  #direction: Direction = 'ascending';
  #sortedAt = 0;

  constructor() {
    this.#heads = COLUMNS.map((column) => {
      const button = element('button', { type: 'button' }, column.name);
      button.addEventListener('click', () => this.#choose(column));
      return element('th', { scope: 'col', class: column.number ? 'number' : undefined }, button);
    });
    const table = element(
      'table',
      { class: 'nodes' },
      element('caption', { class: 'hidden' }, 'Nodes of the swarm; a press on a heading sorts by it'),
      element('thead', {}, element('tr', {}, ...this.#heads)),
      this.#body,
    );
    // What scrolls has to be reached by the keyboard.
    const place = { class: 'scrolls tall', tabindex: 0, role: 'region', 'aria-label': 'Nodes' };
    this.root = element('div', place, table);
    this.#mark();
  }

  /** @param now milliseconds */
  show(nodes: readonly NodeState[], now: number): void {
    const left = new Set(this.#lines.keys());
    for (const { figures } of nodes) {
      left.delete(figures.node);
      let line = this.#lines.get(figures.node);
      if (line === undefined) {
        line = new Line();
        this.#lines.set(figures.node, line);
        this.#sortedAt = 0;
      }
      line.show(figures);
    }
    for (const name of left) {
      this.#lines.get(name)!.root.remove();
      this.#lines.delete(name);
    }
    if (this.#sortedAt === 0 || now - this.#sortedAt > PERIOD) {
      this.#sortedAt = now;
      this.#sort();
    }
  }

  #choose(column: Column): void {
    if (column !== this.#column) this.#direction = column.first;
    else this.#direction = this.#direction === 'ascending' ? 'descending' : 'ascending';
    this.#column = column;
    this.#mark();
    this.#sort();
  }

  #mark(): void {
    COLUMNS.forEach((column, n) => {
      setAttribute(this.#heads[n]!, 'aria-sort', column === this.#column && this.#direction);
    });
  }

  #sort(): void {
    const sign = this.#direction === 'ascending' ? 1 : -1;
    const { order } = this.#column;
    const lines = [...this.#lines.values()].sort(
      ({ figures: a }, { figures: b }) => sign * order(a, b) || byName(a.node, b.node),
    );
    lines.forEach(({ root }, n) => {
      const there = this.#body.children[n];
      if (there !== root) this.#body.insertBefore(root, there ?? null);
    });
  }
}

class Line {
  readonly root = element('tr');
  readonly #name = element('th', { scope: 'row' });
  readonly #zone = element('td');
  readonly #bar = new Bar();
  readonly #has = element('span', { class: 'number' });
  readonly #gets = element('td', { class: 'number' });
  readonly #gives = element('td', { class: 'number' });
  readonly #sole = element('td', { class: 'number' });
  readonly #state = element('span');
  figures!: NodeMessage;

  constructor() {
    const has = element('td', { class: 'with-bar' }, this.#has, this.#bar.root);
    const state = element('td', {}, this.#state);
    this.root.append(this.#name, this.#zone, has, this.#gets, this.#gives, this.#sole, state);
  }

  show(figures: NodeMessage): void {
    if (figures === this.figures) return;
    this.figures = figures;
    setText(this.#name, figures.node);
    setText(this.#zone, figures.zone);
    setText(this.#has, percent(figures.completion));
    this.#bar.show(figures.completion);
    setText(this.#gets, perSecond(figures.down));
    setText(this.#gives, perSecond(figures.up));
    setText(this.#sole, figures.sole.toLocaleString('en'));
    const { text, tone } = stateOf(figures);
    setText(this.#state, text);
    setAttribute(this.#state, 'class', `state ${tone}`);
  }
}

function stateOf({ completion, down, stalled, silent, partial }: NodeMessage): {
  readonly text: string;
  readonly tone: 'good' | 'busy' | 'bad' | 'quiet';
} {
  if (silent > 0) return { text: `silent for ${duration(silent)}`, tone: 'bad' };
  if (stalled) return { text: 'stalled', tone: 'bad' };
  if (completion === 1) return { text: 'whole', tone: 'good' };
  if (partial) return { text: 'reads parts', tone: 'quiet' };
  return down > 0 ? { text: 'gets it', tone: 'busy' } : { text: 'waits', tone: 'quiet' };
}
