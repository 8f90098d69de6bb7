/** Draws losses over the steps of the run: of all nodes together, and of the images that this tab computed. */

import type { Point } from './tally.js';

const USUAL_WIDTH = 640;
const LEAST_WIDTH = 240;
const HEIGHT = 180;
/** Room for the numbers. */
const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;
const NAMESPACE = 'http://www.w3.org/2000/svg';

export interface Curves {
  /** Empty while it is not known. */
  readonly run: readonly Point[];
  readonly own: readonly Point[];
}

/**
 * @param widthPx of its place, so that letters have their size; 0 while that is not shown
 * @returns undefined while there is no line to draw
 */
export function lossCurve(curves: Curves, widthPx: number): SVGElement | undefined {
  const width = widthPx === 0 ? USUAL_WIDTH : Math.max(LEAST_WIDTH, widthPx);
  const [run, own] = [curves.run, curves.own].map((points) => points.filter(isFinitePoint)) as [
    Point[],
    Point[],
  ];
  const all = [...run, ...own];
  const firstStep = Math.min(...all.map(({ step }) => step));
  const lastStep = Math.max(...all.map(({ step }) => step));
  if (firstStep >= lastStep) return undefined;
  const most = Math.max(...all.map(({ loss }) => loss)) || 1;
  const x = (step: number): number =>
    LEFT + ((step - firstStep) / (lastStep - firstStep)) * (width - LEFT - 4);
  const y = (loss: number): number => TOP + (1 - loss / most) * (HEIGHT - TOP - BOTTOM);
  const line = (points: readonly Point[], className: string): SVGElement[] => {
    const places = points.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`);
    return places.length < 2 ? [] : [make('polyline', { class: className, points: places.join(' ') })];
  };
  const svg = make('svg', { viewBox: `0 0 ${width} ${HEIGHT}`, role: 'img' });
  svg.setAttribute('aria-label', description(run.length > 1 ? run : own));
  svg.append(
    ...[0, most / 2, most].flatMap((loss) => [
      make('line', { class: 'grid', x1: LEFT, x2: width, y1: y(loss), y2: y(loss) }),
      label(loss.toFixed(loss === 0 ? 0 : 2), { x: LEFT - 6, y: y(loss) + 4, 'text-anchor': 'end' }),
    ]),
    label(`step ${firstStep + 1}`, { x: LEFT, y: HEIGHT - 4 }),
    label(String(lastStep + 1), { x: width, y: HEIGHT - 4, 'text-anchor': 'end' }),
    ...line(own, run.length > 1 ? 'line own' : 'line'),
    ...line(run, 'line'),
  );
  return svg;
}

/** What the lines are. */
export function curveCaption({ run }: Curves): string {
  return run.length > 1
    ? 'Loss of the run so far, and, pale, of the images computed here'
    : 'Loss of the images computed here';
}

function isFinitePoint({ loss }: Point): boolean {
  return Number.isFinite(loss);
}

function description(points: readonly Point[]): string {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return 'loss';
  return `loss from ${first.loss.toFixed(2)} at step ${first.step + 1} to ${last.loss.toFixed(2)} at step ${last.step + 1}`;
}

function make(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

function label(text: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = make('text', attributes);
  made.textContent = text;
  return made;
}
