import { reducedMotion } from './colours.ts';
import { element, setAttribute, svg } from './element.ts';
import type { NodeState } from './swarm-state.ts';
import { byName, perSecond } from './words.ts';

/** Links that are drawn, that are drawn moving, and that are told in words: the strongest. */
const DRAWN = 80;
const MOVING = 30;
const TOLD = 6;
/** Bytes a second below which a link is none any more. */
const LEAST = 100;
/** Nodes of which each has its name beside it. */
const NAMED = 32;
const RADIUS = 150;
/** Milliseconds between two steps of what moves, and how far a step goes: a ninth of the way from dot to dot. */
const STEP = 100;
const STEPS = 9;
const DOTS = 14.1;
/** Colours for zones that the style sheet has. */
const ZONES = 8;
const OUTSIDE = 'outside';

interface Link {
  readonly from: string;
  readonly to: string;
  readonly rate: number;
}

interface Place {
  readonly angle: number;
  readonly zone: number;
}

/** Who sends to whom: nodes on a circle by zone, and the strongest links between them, in the colour of who sends. */
export class LinkGraph {
  readonly root: HTMLElement;
  readonly #svg = svg('svg', { viewBox: '-230 -200 460 400', role: 'img', class: 'graph' });
  readonly #links = svg('g', { class: 'links' });
  readonly #moving = svg('g', { class: 'links moving' });
  readonly #ring = svg('g', { class: 'ring' });
  readonly #zones = element('ul', { class: 'zones', 'aria-label': 'Zones' });
  readonly #told = element('ol', { class: 'told' });
  readonly #places = new Map<string, Place>();
  readonly #timer = setInterval(() => this.#move(), STEP);
  #nodes: readonly NodeState[] = [];
  #step = 0;

  constructor() {
    this.#svg.append(this.#links, this.#moving, this.#ring);
    this.root = element('div', {}, this.#zones, this.#svg, this.#told);
  }

  /** Anew, with all nodes. @param nodes by zone */
  layout(nodes: readonly NodeState[]): void {
    this.#nodes = nodes;
    this.#places.clear();
    const zones = [...new Set(nodes.map(({ figures }) => figures.zone))].sort(byName);
    // A gap between zones as wide as a node, and a place for who does not report.
    const step = (2 * Math.PI) / Math.max(1, nodes.length + zones.length + 1);
    const ring: SVGElement[] = [];
    let angle = -Math.PI / 2 + step;
    zones.forEach((zone, n) => {
      const members = nodes.filter(({ figures }) => figures.zone === zone);
      const start = angle;
      for (const { figures } of members) {
        this.#places.set(figures.node, { angle, zone: n % ZONES });
        angle += step;
      }
      if (zone !== '') ring.push(zoneArc(n % ZONES, start - step * 0.35, angle - step * 0.65));
      angle += step;
    });
    for (const [name, place] of this.#places)
      ring.push(...nodeMark(name, place, nodes.length <= NAMED, step));
    this.#places.set(OUTSIDE, { angle: -Math.PI / 2, zone: -1 });
    this.#ring.replaceChildren(...ring);
    // More of them than colours cannot be told apart.
    const named = zones.length > ZONES ? [] : zones.filter((zone) => zone !== '');
    this.#zones.replaceChildren(
      ...named.map((zone) => element('li', { class: `zone-${zones.indexOf(zone)}` }, zone)),
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** @param now milliseconds */
  show(now: number): void {
    const links = this.#strongest(now);
    const most = links[0]?.rate ?? 1;
    const paths = links.map((link) => this.#draw(link, link.rate / most));
    this.#links.replaceChildren(...paths.toReversed());
    this.#moving.replaceChildren(...paths.slice(0, MOVING).map((path) => path.cloneNode()));
    const told = links.slice(0, TOLD);
    this.#svg.setAttribute(
      'aria-label',
      told.length === 0
        ? 'Who sends to whom: nothing moves'
        : 'Who sends to whom: the strongest links are listed below',
    );
    this.#told.replaceChildren(
      ...told.map(({ from, to, rate }) =>
        element(
          'li',
          {},
          element('span', {}, `${from} to ${to}`),
          element('span', { class: 'number' }, perSecond(rate)),
        ),
      ),
    );
    this.#told.classList.toggle('nothing', told.length === 0);
    if (told.length === 0) this.#told.append(element('li', {}, 'Nothing moves between nodes now.'));
  }

  #strongest(now: number): Link[] {
    const links: Link[] = [];
    for (const { figures, from } of this.#nodes)
      for (const [peer, flow] of from) {
        const rate = flow.rate(now);
        if (rate < LEAST) from.delete(peer);
        else links.push({ from: this.#places.has(peer) ? peer : OUTSIDE, to: figures.node, rate });
      }
    return links.sort((a, b) => b.rate - a.rate).slice(0, DRAWN);
  }

  #draw({ from, to, rate }: Link, strength: number): SVGPathElement {
    const [a, b] = [this.#places.get(from)!, this.#places.get(to)!];
    const [ax, ay] = point(a.angle, RADIUS);
    const [bx, by] = point(b.angle, RADIUS);
    return svg(
      'path',
      {
        d: `M${ax} ${ay}Q${round((ax + bx) / 5)} ${round((ay + by) / 5)} ${bx} ${by}`,
        class: `zone-${a.zone}`,
        'stroke-width': round(0.75 + 4 * Math.sqrt(strength)),
        'stroke-opacity': round(0.15 + 0.5 * strength),
      },
      svg('title', {}, `${from} to ${to}: ${perSecond(rate)}`),
    );
  }

  /** All dots at once, and seldom: what the style sheet could animate it would paint at every frame. */
  #move(): void {
    const isStill = reducedMotion.matches || document.hidden || this.#moving.childElementCount === 0;
    this.#step = (this.#step + 1) % STEPS;
    const offset = round((-DOTS * this.#step) / STEPS);
    setAttribute(this.#moving, 'stroke-dashoffset', isStill ? undefined : offset);
  }
}

function nodeMark(name: string, { angle, zone }: Place, named: boolean, step: number): SVGElement[] {
  const [x, y] = point(angle, RADIUS);
  const radius = round(Math.min(6, Math.max(1.5, step * RADIUS * 0.3)));
  const mark = svg('circle', { cx: x, cy: y, r: radius, class: `zone-${zone}` }, svg('title', {}, name));
  if (!named) return [mark];
  const [tx, ty] = point(angle, RADIUS + 11);
  const right = Math.cos(angle) >= 0;
  const degrees = round((angle * 180) / Math.PI + (right ? 0 : 180));
  const transform = `translate(${tx} ${ty}) rotate(${degrees})`;
  const shown = name.length > 12 ? `${name.slice(0, 11)}…` : name;
  return [mark, svg('text', { transform, 'text-anchor': right ? 'start' : 'end', dy: '0.32em' }, shown)];
}

function zoneArc(zone: number, from: number, to: number): SVGElement {
  const radius = RADIUS + 6;
  const [[ax, ay], [bx, by]] = [point(from, radius), point(to, radius)];
  const d = `M${ax} ${ay}A${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${bx} ${by}`;
  return svg('path', { d, class: `arc zone-${zone}` });
}

function point(angle: number, radius: number): [x: number, y: number] {
  return [round(Math.cos(angle) * radius), round(Math.sin(angle) * radius)];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
