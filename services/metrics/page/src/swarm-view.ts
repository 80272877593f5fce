import type { SwarmDetail, SwarmMessage } from '../messages.d.ts';
import { AvailabilityStrip } from './availability-strip.ts';
import { onScheme } from './colours.ts';
import { element, setText } from './element.ts';
import { LinkGraph } from './link-graph.ts';
import { NodeTable } from './node-table.ts';
import { PieceMap } from './piece-map.ts';
import { has, SwarmState } from './swarm-state.ts';
import { type Tile, Tiles } from './tiles.ts';
import type { View } from './view.ts';
import { WarningList } from './warnings.ts';
import { bytes, counted, left, percent, perSecond } from './words.ts';

/** Milliseconds between two changes of what a picture is called: a reader by ear is not to be told each. */
const DESCRIBED_EVERY = 5000;

/** One swarm: its pieces at every node, who sends to whom, and its figures. */
export class SwarmView implements View {
  readonly title: string;
  readonly url: string;
  readonly event = 'swarm';
  readonly root: HTMLElement;
  readonly #state = new SwarmState();
  readonly #about = element('p', { class: 'about' }, 'Waiting for the service');
  readonly #tiles = new Tiles();
  readonly #warnings = new WarningList();
  readonly #strip = new AvailabilityStrip();
  readonly #map = new PieceMap();
  readonly #pointed = element('p', { class: 'pointed', 'aria-hidden': 'true' });
  readonly #graph = new LinkGraph();
  readonly #table = new NodeTable();
  readonly #panels: HTMLElement;
  readonly #resized = new ResizeObserver(() => this.#layout());
  readonly #stopScheme = onScheme(() => this.#layout());
  #width = 0;
  #describedAt = Number.NEGATIVE_INFINITY;

  constructor(name: string) {
    this.title = `${name} · PixTorrent`;
    this.url = `v1/events?swarm=${encodeURIComponent(name)}`;
    this.#panels = element(
      'div',
      { class: 'panels', hidden: true },
      panel('Copies of each piece', 'copies', legend(), this.#strip.root),
      panel('Pieces of every node', 'map-panel', this.#pointed, this.#map.root),
      panel('Who sends to whom', 'graph-panel', this.#graph.root),
      panel('Nodes', 'nodes-panel', this.#table.root),
    );
    this.root = element(
      'div',
      { class: 'view' },
      element('nav', { 'aria-label': 'Path' }, element('a', { href: '#/' }, 'Swarms')),
      element('h1', { tabindex: -1 }, name),
      this.#about,
      this.#warnings.root,
      this.#tiles.root,
      this.#panels,
    );
    this.#map.root.addEventListener('pointermove', (event) => this.#point(event));
    this.#map.root.addEventListener('pointerleave', () => setText(this.#pointed, ''));
    this.#resized.observe(this.#map.root);
  }

  show(message: SwarmMessage): void {
    const now = performance.now();
    if (message.swarm === null) {
      // What was there before a restart of the service is looked at until nodes have reported again.
      setText(this.#about, 'No node reports this swarm now. It appears here as soon as one does.');
      return;
    }
    const { layout, pieces } = this.#state.apply(message, now);
    const { detail, nodes, copies } = this.#state;
    this.#panels.hidden = false;
    setText(this.#about, aboutOf(detail!));
    this.#tiles.show(tilesOf(detail!));
    this.#warnings.show(detail!.warnings);
    if (layout) this.#layout();
    else {
      this.#map.update(pieces);
      if (pieces.size > 0) this.#strip.show(copies, nodes.length, this.#width);
    }
    this.#graph.show(now);
    this.#table.show(nodes, now);
    this.#describe(detail!, now);
  }

  close(): void {
    this.#resized.disconnect();
    this.#stopScheme();
    this.#map.close();
    this.#graph.close();
  }

  #layout(): void {
    const { nodes, copies } = this.#state;
    if (this.#map.root.clientWidth === 0) return;
    this.#width = this.#map.layout(nodes, copies.length);
    // Each piece is below its copies.
    this.#strip.root.style.width = `${this.#width}px`;
    this.#strip.show(copies, nodes.length, this.#width);
    this.#graph.layout(nodes);
    this.#graph.show(performance.now());
  }

  #describe({ nodes, whole, completion, columns }: SwarmDetail, now: number): void {
    if (now - this.#describedAt < DESCRIBED_EVERY) return;
    this.#describedAt = now;
    this.#map.describe(
      `Pieces of every node: ${counted(nodes, 'node')}, ${counted(columns, 'piece')} each; ${whole} have all, ` +
        `the median node has ${percent(completion.p50)}, the last ${percent(completion.min)}. The table of nodes says the same of each.`,
    );
  }

  #point({ clientX, clientY }: PointerEvent): void {
    const at = this.#map.at(clientX, clientY);
    if (at === undefined) {
      setText(this.#pointed, '');
      return;
    }
    const { node, piece } = at;
    const copies = counted(this.#state.copies[piece] ?? 0, 'copy', 'copies');
    const there = has(node.bits, piece) ? 'has' : 'lacks';
    setText(this.#pointed, `${node.figures.node} ${there} piece ${piece}, of which there are ${copies}`);
  }
}

function panel(title: string, name: string, ...children: Node[]): HTMLElement {
  return element(
    'section',
    { class: `panel ${name}`, 'aria-labelledby': name },
    element('h2', { id: name }, title),
    ...children,
  );
}

function legend(): HTMLElement {
  const entries: [string, string][] = [
    ['lost', 'nobody has it'],
    ['risk', 'one node alone'],
    ['few', 'few'],
    ['many', 'all'],
  ];
  return element(
    'ul',
    { class: 'legend' },
    ...entries.map(([key, text]) => element('li', { class: key }, text)),
  );
}

function aboutOf({ size, pieces, columns, infoHash, omitted }: SwarmDetail): string {
  const parts = [`${bytes(size)} in ${counted(pieces, 'piece')}`, infoHash];
  if (columns < pieces) parts.push(`${columns.toLocaleString('en')} pieces are shown`);
  if (omitted > 0) parts.push(`${counted(omitted, 'more node')} not shown`);
  return parts.join(' · ');
}

function tilesOf(swarm: SwarmDetail): Tile[] {
  const { nodes, whole, partial, availability, completion } = swarm;
  const isDone = whole === nodes;
  const across = swarm.bytesBetweenNodes === 0 ? 0 : swarm.bytesAcrossZones / swarm.bytesBetweenNodes;
  return [
    {
      name: 'Nodes whole',
      value: `${whole} of ${nodes}`,
      more: partial > 0 ? `${partial} more read parts` : isDone ? 'all have all of it' : 'have all of it',
      tone: isDone && nodes > 0 ? 'good' : undefined,
    },
    { name: 'Median node', value: percent(completion.p50), more: `the last ${percent(completion.min)}` },
    { name: 'Rate', value: perSecond(swarm.downRate), more: 'together' },
    { name: 'Time left', value: left(swarm), more: isDone ? '' : 'for the last node' },
    {
      name: 'Rarest piece',
      value: counted(availability, 'copy', 'copies'),
      more: `${swarm.distributedCopies.toFixed(2)} distributed`,
      tone: availability === 0 ? 'bad' : undefined,
    },
    { name: 'Seeder sent', value: `${swarm.seederAmplification.toFixed(2)} ×`, more: 'the content' },
    {
      name: 'Duplicates',
      value: percent(swarm.duplicateRatio + swarm.wasteRatio),
      more: 'or came late',
    },
    { name: 'Across zones', value: percent(across), more: `of ${bytes(swarm.bytesBetweenNodes)}` },
  ];
}
