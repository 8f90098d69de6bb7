/** Draws the loss of the images that this tab computed, over the steps of the run. */

import type { Point } from './tally.js';

const WIDTH = 640;
const HEIGHT = 180;
/** Room for the numbers. */
const LEFT = 44;
const BOTTOM = 20;
const TOP = 8;
const NAMESPACE = 'http://www.w3.org/2000/svg';

/** @returns undefined while there is no line to draw */
export function lossCurve(points: readonly Point[]): SVGElement | undefined {
  const finite = points.filter(({ loss }) => Number.isFinite(loss));
  const [first, last] = [finite[0], finite.at(-1)];
  if (!first || !last || first.step === last.step) return undefined;
  const most = Math.max(...finite.map(({ loss }) => loss)) || 1;
  const x = (step: number): number =>
    LEFT + ((step - first.step) / (last.step - first.step)) * (WIDTH - LEFT - 4);
  const y = (loss: number): number => TOP + (1 - loss / most) * (HEIGHT - TOP - BOTTOM);
  const line = finite.map(({ step, loss }) => `${x(step).toFixed(1)},${y(loss).toFixed(1)}`).join(' ');
  const svg = make('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img' });
  svg.setAttribute(
    'aria-label',
    `loss from ${first.loss.toFixed(2)} at step ${first.step + 1} to ${last.loss.toFixed(2)} at step ${last.step + 1}`,
  );
  svg.append(
    ...[0, most / 2, most].flatMap((loss) => [
      make('line', { class: 'grid', x1: LEFT, x2: WIDTH, y1: y(loss), y2: y(loss) }),
      label(loss.toFixed(loss === 0 ? 0 : 2), { x: LEFT - 6, y: y(loss) + 4, 'text-anchor': 'end' }),
    ]),
    label(`step ${first.step + 1}`, { x: LEFT, y: HEIGHT - 4 }),
    label(String(last.step + 1), { x: WIDTH, y: HEIGHT - 4, 'text-anchor': 'end' }),
    make('polyline', { class: 'line', points: line }),
  );
  return svg;
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
