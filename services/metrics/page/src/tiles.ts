import { element, setAttribute, setText } from './element.ts';

export interface Tile {
  readonly name: string;
  readonly value: string;
  readonly more?: string;
  readonly tone?: 'good' | 'bad' | undefined;
}

/** The figures that matter most, large. */
export class Tiles {
  readonly root = element('dl', { class: 'tiles' });

  /** @param tiles always the same ones */
  show(tiles: readonly Tile[]): void {
    while (this.root.children.length < tiles.length)
      this.root.append(
        element(
          'div',
          {},
          element('dt'),
          element('dd', { class: 'value' }),
          element('dd', { class: 'more' }),
        ),
      );
    this.root.classList.toggle('many', tiles.length > 4);
    tiles.forEach(({ name, value, more, tone }, n) => {
      const tile = this.root.children[n]!;
      const [title, figure, rest] = tile.children;
      setText(title!, name);
      setText(figure!, value);
      setText(rest!, more ?? '');
      setAttribute(tile, 'data-tone', tone);
    });
  }
}
