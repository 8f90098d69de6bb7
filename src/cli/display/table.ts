/** A table for the terminal: columns as wide as their widest cell, numbers to the right. */

import stringWidth from 'string-width';
import { greatestOf } from '../../foundation/extremes.js';
import { printable } from '../../foundation/printable.js';
import { cutToColumns } from './columns.js';

export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  readonly text: (row: Row) => string;
}

const GAP = '  ';
const WIDEST_CELL = 48;
const LONGEST_TEXT = 1000;

/** @returns one line for the titles and one for each row */
export function tableLines<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): readonly string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => cell(text(row)))),
  ];
  const widths = columns.map((_, index) => greatestOf(cells.map((line) => stringWidth(line[index]!))));
  return cells.map((line) =>
    line
      .map((text, index) => {
        const padding = ' '.repeat(widths[index]! - stringWidth(text));
        return columns[index]!.align === 'right' ? padding + text : text + padding;
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** A line break in a name would make a row of its own. */
function cell(given: string): string {
  const text = printable(given, LONGEST_TEXT);
  return stringWidth(text) > WIDEST_CELL ? `${cutToColumns(text, WIDEST_CELL - 1)}…` : text;
}
