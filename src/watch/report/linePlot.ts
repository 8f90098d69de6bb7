/** A line plot as SVG, for a page that must stand alone: no script, no font, no request. */

import { html } from './html.js';
import type { Html } from './html.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Line {
  readonly name: string;
  /** A CSS class that gives the line its colour. */
  readonly colourClass: string;
  readonly isDashed?: boolean;
  readonly points: readonly Point[];
}

export interface PlotOptions {
  readonly title: string;
  readonly xTitle: string;
  readonly label: (y: number) => string;
}

const WIDTH = 640;
const HEIGHT = 260;
const MARGIN = { left: 64, right: 12, top: 10, bottom: 34 };
const TICKS = 5;

/** Undefined if no line has two points. */
export function linePlot(lines: readonly Line[], { title, xTitle, label }: PlotOptions): Html | undefined {
  const drawable = lines.filter(({ points }) => points.length > 1);
  if (drawable.length === 0) return undefined;
  const points = drawable.flatMap((line) => line.points);
  const x = axis(
    points.map((point) => point.x),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const y = axis(
    points.map((point) => point.y),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">
      ${y.ticks.map(
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
      ${drawable.map(
        (line) =>
          html`<polyline
            class="${line.colourClass}${line.isDashed === true ? ' dashed' : ''}"
            points="${line.points.map((point) => `${px(x.at(point.x))},${px(y.at(point.y))}`).join(' ')}"
            ><title>${line.name}</title></polyline
          >`,
      )}
    </svg>
  </figure>`;
}

interface Axis {
  readonly ticks: readonly number[];
  at(value: number): number;
}

function axis(values: readonly number[], fromPx: number, toPx: number): Axis {
  const lowest = values.reduce((low, value) => Math.min(low, value), Infinity);
  const highest = values.reduce((high, value) => Math.max(high, value), -Infinity);
  const [low, high] = lowest === highest ? [lowest - 0.5, highest + 0.5] : [lowest, highest];
  const step = roundStep((high - low) / TICKS);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return {
    ticks: Array.from({ length: count }, (_, index) => (first + index) * step),
    at: (value) => fromPx + ((value - low) / (high - low)) * (toPx - fromPx),
  };
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
