/** A reliability diagram: accuracy by confidence. On the diagonal a network is as often right as it claims. */

import type { EvaluationAnswer } from '../../watch/live/api.js';
import { percent } from './format.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const SIDE = 200;
const MARGIN = { left: 44, bottom: 34, top: 6, right: 6 };

export function reliabilityDiagram({ bins }: EvaluationAnswer['calibration']): SVGElement {
  const x = (share: number): number => MARGIN.left + share * SIDE;
  const y = (share: number): number => MARGIN.top + (1 - share) * SIDE;
  const bars = bins.flatMap(({ from, to, samples, accuracy, meanConfidence }) => {
    if (accuracy === null) return [];
    const bar = svg('rect', {
      class: 'bin',
      x: x(from) + 1,
      y: y(accuracy),
      width: Math.max(1, x(to) - x(from) - 2),
      height: y(0) - y(accuracy),
    });
    const told = `${samples} images with confidence ${percent(meanConfidence)}: ${percent(accuracy)} right`;
    bar.append(svg('title', {}, told));
    return [bar];
  });
  const labels = [0, 0.5, 1].flatMap((share) => [
    svg('text', { x: x(share), y: y(0) + 14, 'text-anchor': 'middle' }, percentOf(share)),
    svg('text', { x: MARGIN.left - 4, y: y(share) + 4, 'text-anchor': 'end' }, percentOf(share)),
  ]);
  const width = MARGIN.left + SIDE + MARGIN.right + 14;
  const height = MARGIN.top + SIDE + MARGIN.bottom;
  return svg(
    'svg',
    {
      class: 'reliability',
      viewBox: `0 0 ${width} ${height}`,
      role: 'img',
      'aria-label': 'accuracy by confidence',
    },
    svg('rect', { class: 'frame', x: x(0), y: y(1), width: SIDE, height: SIDE }),
    ...bars,
    svg('line', { class: 'diagonal', x1: x(0), y1: y(0), x2: x(1), y2: y(1) }),
    ...labels,
    svg('text', { x: x(0.5), y: height - 4, 'text-anchor': 'middle' }, 'confidence; bar: accuracy'),
  );
}

function percentOf(share: number): string {
  return `${100 * share} %`;
}

function svg(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElement {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
