/** The figures of a run, as a table for people and one line of JSON for programs. */

export function printFigures(
  title: string,
  rows: readonly (readonly (string | number)[])[],
  figures: object,
): void {
  const cells = rows.map((row) => row.map(String));
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  '),
  );
  process.stdout.write(`\n${title}\n${lines.join('\n')}\n${JSON.stringify(figures)}\n\n`);
}
