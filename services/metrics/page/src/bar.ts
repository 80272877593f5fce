import { element, setAttribute } from './element.ts';

/** How much of something is there: a bar, for those who see it; the figure stands beside it. */
export class Bar {
  readonly root: HTMLElement;
  readonly #fill = element('span');

  constructor() {
    this.root = element('span', { class: 'bar', 'aria-hidden': 'true' }, this.#fill);
  }

  /** @param share from 0 to 1 */
  show(share: number): void {
    this.#fill.style.transform = `scaleX(${Math.round(share * 1000) / 1000})`;
    setAttribute(this.root, 'data-full', share >= 1);
  }
}
