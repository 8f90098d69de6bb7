/** From runs to the lines of a chart: which value over which axis, smoothed or not. */

import type { RunAnswer } from '../../watch/live/api.js';

type EpochPoint = RunAnswer['epochs'][number];

export type XAxis = 'epoch' | 'step' | 'time';

export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly isDashed: boolean;
  /** Ascending in x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

type EpochField =
  'trainLoss' | 'trainAccuracy' | 'validationLoss' | 'validationAccuracy' | 'lr' | 'imagesPerSecond';
type StepField = 'loss' | 'accuracy' | 'lr' | 'imagesPerSecond';

interface Curve {
  readonly title: string;
  readonly epoch: EpochField;
  /** What is drawn over steps instead, where steps have it. */
  readonly step?: StepField;
  readonly isDashed?: boolean;
}

export interface ChartKind {
  readonly title: string;
  readonly unit: 'share' | 'number';
  readonly mayBeLogarithmic: boolean;
  readonly curves: readonly Curve[];
}

export const CHARTS: readonly ChartKind[] = [
  {
    title: 'Accuracy',
    unit: 'share',
    mayBeLogarithmic: false,
    curves: [
      { title: 'validation', epoch: 'validationAccuracy' },
      { title: 'training', epoch: 'trainAccuracy', step: 'accuracy', isDashed: true },
    ],
  },
  {
    title: 'Loss',
    unit: 'number',
    mayBeLogarithmic: true,
    curves: [
      { title: 'validation', epoch: 'validationLoss' },
      { title: 'training', epoch: 'trainLoss', step: 'loss', isDashed: true },
    ],
  },
  {
    title: 'Learning rate',
    unit: 'number',
    mayBeLogarithmic: true,
    curves: [{ title: '', epoch: 'lr', step: 'lr' }],
  },
  {
    title: 'Images per second',
    unit: 'number',
    mayBeLogarithmic: false,
    curves: [{ title: '', epoch: 'imagesPerSecond', step: 'imagesPerSecond' }],
  },
];

export interface DrawnRun {
  readonly answer: RunAnswer;
  readonly colour: string;
}

export function seriesOf(
  { curves }: ChartKind,
  runs: readonly DrawnRun[],
  axis: XAxis,
  smoothing: number,
): readonly Series[] {
  return runs.flatMap(({ answer, colour }) =>
    curves.map((curve) => ({
      name: curve.title === '' ? answer.id : `${answer.id} ${curve.title}`,
      colour,
      isDashed: curve.isDashed === true,
      points: smoothed(pointsOf(curve, answer, axis), smoothing),
    })),
  );
}

function pointsOf(
  curve: Curve,
  { epochs, steps }: RunAnswer,
  axis: XAxis,
): readonly (readonly [number, number])[] {
  const { step: field } = curve;
  if (axis === 'step' && field !== undefined) {
    return steps.flatMap((point) => {
      const y = point[field];
      return y === null ? [] : [[point.step, y] as const];
    });
  }
  return epochs.flatMap((point) => {
    const y = point[curve.epoch];
    const x = xOf(point, axis);
    return y === null || x === null ? [] : [[x, y] as const];
  });
}

function xOf({ epoch, step, wallSeconds }: EpochPoint, axis: XAxis): number | null {
  if (axis === 'epoch') return epoch;
  if (axis === 'step') return step;
  return wallSeconds === null ? null : wallSeconds / 3600;
}

/**
 * Exponential moving average, corrected for its beginning as in arXiv:1412.6980 section 3, so that the first points are
 * not drawn towards zero.
 * @param weight of the past, from 0 (no smoothing) to below 1
 */
function smoothed(
  points: readonly (readonly [number, number])[],
  weight: number,
): readonly (readonly [number, number])[] {
  if (weight === 0) return points;
  let average = 0;
  let correction = 1;
  return points.map(([x, y]) => {
    average = weight * average + (1 - weight) * y;
    correction *= weight;
    return [x, average / (1 - correction)];
  });
}
