import { colour, mixed, pixel, reducedMotion } from './colours.ts';
import { Columns } from './columns.ts';
import { element } from './element.ts';
import { has, type NodeState } from './swarm-state.ts';

/** Steps between nothing and everything of the pieces that a pixel stands for, and in which what is new fades. */
const STEPS = 16;
/** Milliseconds a step. */
const STEP = 70;
/** Pixels of all rows together, about. */
const HEIGHT = 520;
const LOWEST = 2;
const HIGHEST = 24;
/** Pixels of a row that has room for a gap, and for a name. */
const ROOM_FOR_GAP = 5;
const ROOM_FOR_NAME = 13;

interface Row {
  readonly node: NodeState;
  /** By pixel, below STEPS: how much of it is there, and how new that is. */
  readonly level: Uint8Array;
  readonly glow: Uint8Array;
  isHot: boolean;
}

/**
 * Every piece of every node: a row of pixels each, of which only those rows are computed and painted whose pieces have
 * changed or that still glow. What makes a row as high as it is seen is left to the browser.
 */
export class PieceMap {
  readonly root: HTMLElement;
  readonly #names = element('div', { class: 'names', 'aria-hidden': 'true' });
  readonly #canvas = element('canvas', { class: 'pieces', role: 'img' });
  readonly #context = this.#canvas.getContext('2d', { alpha: false })!;
  #columns = new Columns(1, 1, 1);
  #rows: Row[] = [];
  readonly #byNode = new Map<NodeState, number>();
  #image = new ImageData(1, 1);
  #pixels = new Uint32Array(1);
  #palette = new Uint32Array(STEPS * STEPS);
  #gap = 0;
  #frame = 0;
  #steppedAt = 0;

  constructor() {
    this.root = element('div', { class: 'map' }, this.#names, this.#canvas);
  }

  /** Anew, with all nodes. @returns how wide the pieces are, in pixels of the style sheet */
  layout(nodes: readonly NodeState[], pieces: number): number {
    const height = Math.min(HIGHEST, Math.max(LOWEST, Math.floor(HEIGHT / Math.max(1, nodes.length))));
    const named = height >= ROOM_FOR_NAME;
    this.#names.hidden = !named;
    if (named) this.#names.replaceChildren(...nodes.map(({ figures }) => element('span', {}, figures.node)));
    this.root.style.setProperty('--row', `${height}px`);
    this.root.classList.toggle('gaps', height >= ROOM_FOR_GAP);
    this.root.classList.toggle('named', named);
    const width = this.root.clientWidth - (named ? this.#names.offsetWidth : 0);
    const shown = Math.max(1, Math.floor(width * devicePixelRatio));
    this.#columns = new Columns(Math.max(1, pieces), shown, devicePixelRatio);
    this.#canvas.width = shown;
    this.#canvas.height = Math.max(1, nodes.length);
    this.#canvas.style.height = `${height * nodes.length}px`;
    this.#image = new ImageData(shown, 1);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    this.#byNode.clear();
    this.#rows = nodes.map((node, n) => {
      this.#byNode.set(node, n);
      return { node, level: new Uint8Array(shown), glow: new Uint8Array(shown), isHot: false };
    });
    for (const row of this.#rows) this.#compute(row, false);
    this.recolour();
    return width;
  }

  /** Some nodes have other pieces. */
  update(nodes: Iterable<NodeState>): void {
    const glows = !reducedMotion.matches;
    for (const node of nodes) {
      const n = this.#byNode.get(node);
      if (n === undefined) continue;
      this.#compute(this.#rows[n]!, glows);
      this.#paint(n);
    }
    if (glows) this.#animate();
  }

  /** The colours are others. */
  recolour(): void {
    const [none, have, fresh] = [colour('--piece-none'), colour('--piece'), colour('--piece-new')];
    this.#gap = pixel(colour('--panel'));
    for (let level = 0; level < STEPS; level++)
      for (let glow = 0; glow < STEPS; glow++) {
        const still = mixed(none, have, level / (STEPS - 1));
        this.#palette[level * STEPS + glow] = pixel(mixed(still, fresh, glow / (STEPS - 1)));
      }
    for (let n = 0; n < this.#rows.length; n++) this.#paint(n);
  }

  describe(text: string): void {
    this.#canvas.setAttribute('aria-label', text);
  }

  /** What is at a point of the window, if anything. */
  at(x: number, y: number): { readonly node: NodeState; readonly piece: number } | undefined {
    const box = this.#canvas.getBoundingClientRect();
    const row = this.#rows[Math.floor(((y - box.top) / box.height) * this.#rows.length)];
    const across = (x - box.left) / box.width;
    if (row === undefined || across < 0 || across >= 1) return undefined;
    return { node: row.node, piece: this.#columns.start(Math.floor(across * this.#columns.width)) };
  }

  close(): void {
    cancelAnimationFrame(this.#frame);
  }

  #compute({ node, level, glow }: Row, glows: boolean): void {
    const columns = this.#columns;
    const { bits } = node;
    for (let x = 0; x < columns.width; x++) {
      const [start, end] = [columns.start(x), columns.end(x)];
      let count = 0;
      for (let piece = start; piece < end; piece++) if (has(bits, piece)) count++;
      const now = Math.round((count / (end - start)) * (STEPS - 1));
      if (glows && now > level[x]!) glow[x] = STEPS - 1;
      level[x] = now;
    }
    this.#rows[this.#byNode.get(node)!]!.isHot = glows;
  }

  #paint(n: number): void {
    const { level, glow } = this.#rows[n]!;
    const [pixels, palette, columns] = [this.#pixels, this.#palette, this.#columns];
    for (let x = 0; x < pixels.length; x++)
      pixels[x] = columns.isGap(x) ? this.#gap : palette[level[x]! * STEPS + glow[x]!]!;
    this.#context.putImageData(this.#image, 0, n);
  }

  #animate(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame((now) => {
      this.#frame = 0;
      if (now - this.#steppedAt >= STEP) {
        this.#steppedAt = now;
        this.#fade();
      }
      if (this.#rows.some(({ isHot }) => isHot)) this.#animate();
    });
  }

  #fade(): void {
    this.#rows.forEach((row, n) => {
      if (!row.isHot) return;
      row.isHot = false;
      for (let x = 0; x < row.glow.length; x++)
        if (row.glow[x]! > 0) {
          row.glow[x]!--;
          row.isHot = true;
        }
      this.#paint(n);
    });
  }
}
