/** The curve of a range test and its suggestion, as text. */

import type { Suggestion } from '../../check/index.js';
import { curveLines } from './curve.js';
import type { Point } from './curve.js';
import { rate } from './text.js';
import { wrap } from './wrap.js';

const USUAL_COLUMNS = 80;
const MOST_COLUMNS = 100;
const ROWS = 12;
const LABEL_COLUMNS = 9;
/** What is above this many times the first loss would press the rest of the curve flat. */
const HIGHEST = 1.3;
const MEANINGS = [
  ['^', 'suggested'],
  ['s', 'falls fastest'],
  ['d', 'diverges'],
] as const;

export function learningRateLines(
  found: Suggestion & { readonly runDir?: string },
  terminalColumns: number | undefined,
): readonly string[] {
  const columns = Math.min(MOST_COLUMNS, terminalColumns ?? USUAL_COLUMNS);
  const { lr, reason, warnings, runDir } = found;
  return [
    ...curveOf(found, columns),
    '',
    ...wrap(lr === null ? `no suggestion: ${reason}` : `suggested rate: ${rate(lr)}`, columns),
    ...(lr === null ? [] : wrap(`because ${reason}`, columns)),
    ...warnings.flatMap((warning) => wrap(`not to be trusted: ${warning}`, columns)),
    ...(runDir === undefined ? [] : wrap(`the curve: ${runDir}`, columns)),
  ];
}

function curveOf({ points, lr, steepestAt, divergedAt }: Suggestion, columns: number): readonly string[] {
  const top = HIGHEST * (points[0]?.smoothed ?? 1);
  const drawn = points.map(({ lr: x, smoothed }): Point => ({
    x: Math.log10(x),
    y: Math.min(top, smoothed),
  }));
  const lines = curveLines(drawn, { columns, rows: ROWS }, (loss) => loss.toFixed(3));
  if (lines.length === 0) return [];
  const [first, last] = [drawn[0]!.x, drawn.at(-1)!.x];
  const width = columns - LABEL_COLUMNS;
  const columnOf = (value: number): number =>
    Math.round(((Math.log10(value) - first) / (last - first)) * (width - 1));
  const marks = [...mark(steepestAt, 's'), ...mark(divergedAt, 'd'), ...mark(lr, '^')];
  const below = new Array<string>(width).fill(' ');
  for (const { value, sign } of marks) below[Math.min(width - 1, Math.max(0, columnOf(value)))] = sign;
  const legend = MEANINGS.filter(([sign]) => below.includes(sign))
    .map((meaning) => meaning.join(' '))
    .join('   ');
  return [
    'loss (smoothed) over the learning rate',
    ...lines,
    `${' '.repeat(LABEL_COLUMNS)}${below.join('')}`.trimEnd(),
    `${' '.repeat(LABEL_COLUMNS)}${axis(first, last, width)}`,
    ...(legend === '' ? [] : [`${' '.repeat(LABEL_COLUMNS)}${legend}`]),
  ];
}

function mark(
  value: number | null,
  sign: string,
): readonly { readonly value: number; readonly sign: string }[] {
  return value === null ? [] : [{ value, sign }];
}

/** The powers of ten below their place. */
function axis(first: number, last: number, width: number): string {
  const cells = new Array<string>(width + 8).fill(' ');
  for (let power = Math.ceil(first); power <= last; power++) {
    const text = power >= -3 && power <= 3 ? String(Number(`1e${power}`)) : `1e${power}`;
    const at = Math.round(((power - first) / (last - first)) * (width - 1));
    for (let place = 0; place < text.length; place++) cells[at + place] = text[place]!;
  }
  return cells.join('').trimEnd().slice(0, width);
}
