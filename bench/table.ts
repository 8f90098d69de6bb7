/** Plain tables: the first column is left-aligned, numbers are right-aligned. */

export type Cell = string | number | null;

/** @param rows with one cell per heading; null is shown as a dash */
export function renderTable(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const cells = [headings, ...rows.map((row) => row.map(show))];
  const widths = headings.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const [first, ...others] = lines;
  return [first, '-'.repeat(Math.max(...lines.map(({ length }) => length))), ...others].join('\n');
}

function show(cell: Cell): string {
  return cell === null ? '-' : String(cell);
}
