/** A curve as text: braille dots, two columns and four rows of them in each character. */

import { greatestOf, leastOf } from '../../foundation/extremes.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface CurveSize {
  /** In characters, the labels of the axis included. */
  readonly columns: number;
  readonly rows: number;
}

const DOTS_ACROSS = 2;
const DOTS_DOWN = 4;
const EMPTY = 0x2800;
/** Bit of each dot within a character, by row and column (Unicode, Braille Patterns). */
const DOT_BITS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;
const LABEL_COLUMNS = 9;

/**
 * Draws the points in order of x, joined by lines.
 * @param label writes a value of the y axis, in at most 8 characters
 * @returns `rows` lines; none for fewer than two points
 */
export function curveLines(
  points: readonly Point[],
  { columns, rows }: CurveSize,
  label: (y: number) => string,
): readonly string[] {
  if (points.length < 2) return [];
  const [lowX, highX] = range(points.map(({ x }) => x));
  const [lowY, highY] = range(points.map(({ y }) => y));
  const width = Math.max(4, columns - LABEL_COLUMNS) * DOTS_ACROSS;
  const height = rows * DOTS_DOWN;
  const cells = Array.from({ length: rows }, () => new Uint8Array(width / DOTS_ACROSS));
  const across = (x: number): number => Math.round(((x - lowX) / (highX - lowX)) * (width - 1));
  const down = (y: number): number => Math.round(((highY - y) / (highY - lowY)) * (height - 1));
  const dot = (column: number, row: number): void => {
    const line = cells[Math.floor(row / DOTS_DOWN)]!;
    line[Math.floor(column / DOTS_ACROSS)]! |= DOT_BITS[row % DOTS_DOWN]![column % DOTS_ACROSS]!;
  };
  points.forEach(({ x, y }, index) => {
    const before = points[index - 1] ?? { x, y };
    drawLine([across(before.x), down(before.y)], [across(x), down(y)], dot);
  });
  return cells.map((line, row) => {
    const text = row === 0 ? label(highY) : row === rows - 1 ? label(lowY) : '';
    return `${text.padStart(LABEL_COLUMNS - 1)} ${String.fromCharCode(...Array.from(line, (bits) => EMPTY + bits))}`;
  });
}

/** Lowest and highest; never equal, so that a flat curve has a height to be drawn in. */
function range(values: readonly number[]): readonly [number, number] {
  const low = leastOf(values);
  const high = greatestOf(values);
  if (low < high) return [low, high];
  const margin = low === 0 ? 1 : Math.abs(low) / 10;
  return [low - margin, high + margin];
}

type Dot = readonly [number, number];

function drawLine([x0, y0]: Dot, [x1, y1]: Dot, dot: (x: number, y: number) => void): void {
  const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1);
  for (let step = 0; step <= steps; step++) {
    dot(Math.round(x0 + ((x1 - x0) * step) / steps), Math.round(y0 + ((y1 - y0) * step) / steps));
  }
}
