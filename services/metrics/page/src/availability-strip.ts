import { colour, mixed, pixel } from './colours.ts';
import { Columns } from './columns.ts';
import { element } from './element.ts';
import { counted } from './words.ts';

/** How many nodes have each piece, by colour: from those that nobody has to those that all have. */
export class AvailabilityStrip {
  readonly root: HTMLElement;
  readonly #canvas = element('canvas', { class: 'strip', role: 'img' });
  readonly #context = this.#canvas.getContext('2d', { alpha: false })!;

  constructor() {
    this.root = this.#canvas;
  }

  /** @param width pixels of the style sheet */
  show(copies: Uint16Array, nodes: number, width: number): void {
    const shown = Math.max(1, Math.floor(width * devicePixelRatio));
    const columns = new Columns(Math.max(1, copies.length), shown, devicePixelRatio);
    const colours = coloursOf(nodes);
    const image = new ImageData(shown, 1);
    const pixels = new Uint32Array(image.data.buffer);
    for (let x = 0; x < shown; x++) {
      let least = Number.POSITIVE_INFINITY;
      for (let piece = columns.start(x); piece < columns.end(x); piece++)
        least = Math.min(least, copies[piece] ?? 0);
      pixels[x] = colours[least]!;
    }
    if (this.#canvas.width !== shown) this.#canvas.width = shown;
    this.#canvas.height = 1;
    this.#context.putImageData(image, 0, 0);
    this.#canvas.setAttribute('aria-label', described(copies));
  }
}

/** By the number of copies, a pixel each. */
function coloursOf(nodes: number): Uint32Array {
  const [few, many] = [colour('--copies-few'), colour('--copies-many')];
  const colours = Uint32Array.from({ length: nodes + 1 }, (_, copies) =>
    pixel(mixed(few, many, nodes <= 2 ? 1 : (copies - 2) / (nodes - 2))),
  );
  colours[0] = pixel(colour('--lost'));
  if (nodes > 1) colours[1] = pixel(colour('--risk'));
  return colours;
}

function described(copies: Uint16Array): string {
  const [none, one] = [0, 1].map((wanted) => copies.reduce((sum, of) => sum + (of === wanted ? 1 : 0), 0));
  const least = copies.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  if (copies.length === 0) return 'Copies of each piece';
  return `Copies of each piece: ${counted(none!, 'piece')} with nobody, ${one} with one node alone, the rarest ${counted(least, 'copy', 'copies')}`;
}
