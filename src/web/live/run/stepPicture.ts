/**
 * The step in progress as a picture: below the micro-batches, in the colour of the node that computes them, pale until they
 * are answered; above them the sums of 2, 4, 8, … neighbours, which are there once all of their micro-batches are. Every run
 * adds in this one order, whoever computes what.
 */

import type { LiveView } from '../../../watch/live/api.js';
import { colourOf } from './nodes.js';

const ROW_PX = 9;
const LEAF_PX = 22;
const GAP_PX = 1;
const PALE = 0.35;
/** Above the top of so many micro-batches the rows would be too thin to see. */
const MOST_ROWS = 11;

export function stepTitle({ round, isRoundOver, step }: LiveView): string {
  if (!round) return 'No step yet';
  const { kind, items } = round;
  const answered = items.filter((item) => item < 0).length;
  const what = kind === 'work' ? `Step ${round.round + 1}` : `Evaluation after step ${step}`;
  const parts = `${answered} of ${items.length} ${kind === 'work' ? 'micro-batches' : 'chunks'}`;
  return isRoundOver ? what : `${what}: ${parts}`;
}

export function drawStep(canvas: HTMLCanvasElement, { round, nodes }: LiveView): void {
  const items = round?.items ?? [];
  const rows =
    round?.kind === 'work' ? Math.min(MOST_ROWS, Math.ceil(Math.log2(Math.max(1, items.length)))) : 0;
  const width = canvas.clientWidth;
  const height = LEAF_PX + rows * (ROW_PX + GAP_PX);
  const scale = devicePixelRatio;
  canvas.style.height = `${height}px`;
  canvas.width = width * scale;
  canvas.height = height * scale;
  const context = canvas.getContext('2d');
  if (!context || items.length === 0) return;
  context.scale(scale, scale);
  const style = getComputedStyle(document.documentElement);
  const [empty, full] = [style.getPropertyValue('--rule'), style.getPropertyValue('--good')];
  const x = (index: number): number => (index / items.length) * width;
  const fill = (from: number, to: number, top: number, heightPx: number): void =>
    context.fillRect(x(from), top, Math.max(0.5, x(to) - x(from) - GAP_PX), heightPx);
  items.forEach((item, index) => {
    const place = Math.abs(item) - 1;
    const isGone = place >= nodes.length;
    context.globalAlpha = item > 0 ? PALE : 1;
    context.fillStyle = item === 0 ? empty : isGone ? full : colourOf(place);
    fill(index, index + 1, height - LEAF_PX, LEAF_PX);
  });
  context.globalAlpha = 1;
  const answeredBefore = prefixSums(items.map((item) => (item < 0 ? 1 : 0)));
  for (let row = 1; row <= rows; row++) {
    const span = 2 ** row;
    for (let from = 0; from < items.length; from += span) {
      const to = Math.min(items.length, from + span);
      const answered = answeredBefore[to]! - answeredBefore[from]!;
      const isThere = answered === to - from;
      context.fillStyle = isThere ? full : empty;
      fill(from, to, height - LEAF_PX - row * (ROW_PX + GAP_PX), ROW_PX);
    }
  }
}

function prefixSums(values: readonly number[]): readonly number[] {
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1)! + value);
  return sums;
}
