/** A line plot as SVG that stands alone: no script, no font, no request. Free of Node: pages use it, too. */

import { greatestOf, leastOf } from '../../foundation/extremes.js';
import { html } from './html.js';
import type { Html } from './html.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly name: string;
  /** A CSS class that gives the line its colour, or the colour. */
  readonly colourClass?: string;
  readonly colour?: string;
  readonly isDashed?: boolean;
  readonly points: readonly Point[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xTitle: string;
  readonly label: (y: number) => string;
  /** Points that are not above 0 are left out. */
  readonly isLogarithmic?: boolean;
  /** No ticks between whole numbers, as there is no epoch 1.5. */
  readonly isWholeX?: boolean;
}

const WIDTH = 640;
const HEIGHT = 260;
const MARGIN = { left: 64, right: 12, top: 10, bottom: 34 };
const TICKS = 5;

/** Undefined if no line has two points. */
export function linePlot(lines: readonly Line[], options: PlotOptions): Html | undefined {
  const drawable = drawableOf(lines, options);
  if (drawable.length === 0) return undefined;
  return html`<figure>
    <figcaption>${options.title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${options.title}">
      ${marks(drawable, options)}
    </svg>
  </figure>`;
}

export interface FileColours {
  readonly ink: string;
  readonly paper: string;
  readonly rule: string;
}

const TITLE_PX = 24;
const LEGEND_PX = 18;

/** A whole SVG file, with its title and the names of its lines; undefined if no line has two points. */
export function svgFile(
  lines: readonly Line[],
  options: PlotOptions,
  { ink, paper, rule }: FileColours,
): string | undefined {
  const drawable = drawableOf(lines, options);
  if (drawable.length === 0) return undefined;
  const height = TITLE_PX + HEIGHT + LEGEND_PX * drawable.length + 8;
  const swatch = (line: Line): Html =>
    html`<line
        x1="0"
        x2="26"
        y1="-4"
        y2="-4"
        stroke="${line.colour}"
        class="${line.isDashed === true ? 'dashed' : ''}"
      />
      <text x="34">${line.name}</text>`;
  return html`<svg
    xmlns="http://www.w3.org/2000/svg"
    viewBox="0 0 ${WIDTH} ${height}"
    width="${WIDTH}"
    height="${height}"
  >
    <style>
      text {
        font: 11px sans-serif;
        fill: ${ink};
      }
      line,
      polyline {
        fill: none;
        stroke-width: 1.8;
      }
      .grid {
        stroke: ${rule};
        stroke-width: 1;
      }
      .dashed {
        stroke-dasharray: 5 4;
      }
    </style>
    <rect width="100%" height="100%" fill="${paper}" />
    <text x="${MARGIN.left}" y="16" font-weight="bold">${options.title}</text>
    <g transform="translate(0 ${TITLE_PX})">${marks(drawable, options)}</g>
    ${drawable.map(
      (line, index) =>
        html`<g transform="translate(${MARGIN.left} ${TITLE_PX + HEIGHT + LEGEND_PX * (index + 1)})"
          >${swatch(line)}</g
        >`,
    )}
  </svg>`.markup;
}

function drawableOf(lines: readonly Line[], { isLogarithmic }: PlotOptions): readonly Line[] {
  return lines
    .map((line) =>
      isLogarithmic === true ? { ...line, points: line.points.filter(({ y }) => y > 0) } : line,
    )
    .filter(({ points }) => points.length > 1);
}

function marks(lines: readonly Line[], { xTitle, label, isLogarithmic, isWholeX }: PlotOptions): Html {
  const points = lines.flatMap((line) => line.points);
  const x = axis(
    points.map((point) => point.x),
    MARGIN.left,
    WIDTH - MARGIN.right,
    isWholeX === true ? 1 : 0,
  );
  const y = (isLogarithmic === true ? logarithmicAxis : axis)(
    points.map((point) => point.y),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  return html`${y.ticks.map(
      (tick) =>
        html`<line
            class="grid"
            x1="${MARGIN.left}"
            x2="${WIDTH - MARGIN.right}"
            y1="${px(y.at(tick))}"
            y2="${px(y.at(tick))}"
          />
          <text x="${MARGIN.left - 6}" y="${px(y.at(tick) + 4)}" text-anchor="end">${label(tick)}</text>`,
    )}
    ${x.ticks.map(
      (tick) =>
        html`<text x="${px(x.at(tick))}" y="${HEIGHT - MARGIN.bottom + 16}" text-anchor="middle"
          >${Number(tick.toPrecision(6))}</text
        >`,
    )}
    <text x="${(MARGIN.left + WIDTH) / 2}" y="${HEIGHT - 4}" text-anchor="middle">${xTitle}</text>
    ${lines.map((line) => polyline(line, x, y))}`;
}

function polyline(line: Line, x: Axis, y: Axis): Html {
  const points = line.points.map((point) => `${px(x.at(point.x))},${px(y.at(point.y))}`).join(' ');
  const stroke = line.colour === undefined ? undefined : html`stroke="${line.colour}"`;
  return html`<polyline
    class="${line.colourClass ?? ''}${line.isDashed === true ? ' dashed' : ''}"
    ${stroke}
    points="${points}"
    ><title>${line.name}</title></polyline
  >`;
}

interface Axis {
  readonly ticks: readonly number[];
  readonly at: (value: number) => number;
}

/** Within these, differences and ticks are numbers, too. Metrics may come from anybody. */
const LARGEST = 1e300;
const SMALLEST = 1e-300;

function axis(values: readonly number[], fromPx: number, toPx: number, leastStep = 0): Axis {
  const lowest = Math.max(-LARGEST, leastOf(values));
  const highest = Math.min(LARGEST, greatestOf(values));
  const margin = highest - lowest < SMALLEST ? marginAround(lowest) : 0;
  const [low, high] = [lowest - margin, highest + margin];
  const step = Math.max(leastStep, roundStep((high - low) / TICKS));
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return {
    ticks: Array.from({ length: count }, (_, index) => (first + index) * step),
    at: (value) => fromPx + ((value - low) / (high - low)) * (toPx - fromPx),
  };
}

/** A constant learning rate of 0.1 lies between 0 and 0.2, as no rate is negative. */
function marginAround(constant: number): number {
  const size = Math.abs(constant);
  return size > SMALLEST ? size : 0.5;
}

/** Ticks at 1, 2 and 5 of each power of ten; over many powers at 1 alone. */
function logarithmicAxis(values: readonly number[], fromPx: number, toPx: number): Axis {
  const exponents = values.map(Math.log10);
  const { at } = axis(exponents, fromPx, toPx);
  const low = leastOf(exponents);
  const high = greatestOf(exponents);
  const factors = high - low > TICKS ? [1] : [1, 2, 5];
  const count = Math.ceil(high) - Math.floor(low) + 1;
  const ticks = Array.from({ length: count }, (_, place) => Math.floor(low) + place)
    .flatMap((power) => factors.map((factor) => factor * 10 ** power))
    .filter((tick) => Math.log10(tick) >= low && Math.log10(tick) <= high);
  return { ticks, at: (value) => at(Math.log10(value)) };
}

/** The next of 1, 2, 5, 10, … above. */
function roundStep(step: number): number {
  let power = 1;
  while (power > step) power /= 10;
  while (power * 10 <= step) power *= 10;
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= step)!;
}

function px(value: number): number {
  return Math.round(value * 10) / 10;
}
