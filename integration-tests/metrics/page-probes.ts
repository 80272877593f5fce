// What runs in the browser, where there is a document: the build of each package checks it without.
/// <reference lib="dom" />
import type { Page } from 'playwright-core';

/** A row of the map of pieces, as its pixels have it. */
export interface MapRow {
  /** Part of the row that is there, 1 where every pixel is. */
  readonly have: number;
  /** Colour of what is not there, of the style sheet. */
  readonly none: string;
}

/** Reads the picture itself; empty while there is none, and while what is new still fades. */
export function mapOf(page: Page): Promise<MapRow[]> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>('canvas.pieces');
    if (canvas === null || canvas.clientWidth === 0) return [];
    const style = getComputedStyle(document.documentElement);
    const named = (name: string): number[] => {
      const value = Number.parseInt(style.getPropertyValue(name).trim().slice(1), 16);
      return [value >>> 16, (value >>> 8) & 255, value & 255];
    };
    const [none, have, gap] = [named('--piece-none'), named('--piece'), named('--panel')] as const;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const span = have.map((value, n) => value - none[n]!);
    const length = span.reduce((sum, value) => sum + value * value, 0);
    const rows: MapRow[] = [];
    for (let y = 0; y < canvas.height; y++) {
      let [sum, count] = [0, 0];
      for (let x = 0; x < canvas.width; x++) {
        const at = (y * canvas.width + x) * 4;
        const pixel = [data[at]!, data[at + 1]!, data[at + 2]!];
        if (pixel.every((value, n) => value === gap[n])) continue;
        // How far from nothing to all, on the line between the two colours.
        const share = pixel.reduce((total, value, n) => total + (value - none[n]!) * span[n]!, 0) / length;
        const off = pixel.some((value, n) => Math.abs(value - none[n]! - share * span[n]!) > 3);
        if (off) return [];
        sum += share;
        count++;
      }
      rows.push({ have: Math.round((sum / count) * 1000) / 1000, none: none.join() });
    }
    return rows;
  });
}

/** The text that stands out least from what is behind it, by the formula of WCAG. */
export function lowestContrast(page: Page): Promise<{ readonly ratio: number; readonly text: string }> {
  return page.evaluate(() => {
    const channels = (css: string): number[] => css.match(/[\d.]+/g)!.map(Number);
    const luminance = ([r, g, b]: number[]): number =>
      [r!, g!, b!]
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, n) => sum + value * [0.2126, 0.7152, 0.0722][n]!, 0);
    const behind = (of: Element | null): number[] => {
      for (let at = of; at !== null; at = at.parentElement) {
        const colour = channels(getComputedStyle(at).backgroundColor);
        if (colour[3] !== 0) return colour;
      }
      return [255, 255, 255];
    };
    let lowest = { ratio: 21, text: '' };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const of = node.parentElement!;
      const text = node.textContent!.trim();
      if (text === '' || of.closest('svg, noscript, script') !== null || !of.checkVisibility()) continue;
      const [a, b] = [luminance(channels(getComputedStyle(of).color)), luminance(behind(of))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < lowest.ratio) lowest = { ratio, text };
    }
    return lowest;
  });
}

/** What has the focus: its text, and how its outline is drawn. */
export function focusOf(page: Page): Promise<{ readonly text: string; readonly outline: string }> {
  return page.evaluate(() => {
    const at = document.activeElement!;
    return { text: at.textContent ?? '', outline: getComputedStyle(at).outlineStyle };
  });
}

/** Pixels that the page is wide, also beyond the window. */
export function widthOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth);
}
