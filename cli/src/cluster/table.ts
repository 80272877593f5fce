import { stripVTControlCharacters } from 'node:util';

/** A row a line, columns aligned: the first to the left, those of `right` to the right. */
export function table(
  rows: readonly (readonly string[])[],
  right: ReadonlySet<number> = new Set(),
): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, stripVTControlCharacters(cell).length);
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const blank = ' '.repeat(widths[column]! - stripVTControlCharacters(cell).length);
        return right.has(column) ? blank + cell : cell + blank;
      })
      .join('  ')
      .trimEnd(),
  );
}
