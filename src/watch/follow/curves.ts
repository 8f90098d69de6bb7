/** Which values of a run become curves in TensorBoard and in trackers. */

import { numberOf } from '../folders/values.js';
import type { MetricsLine } from '../folders/metricsLines.js';

export interface Moment {
  readonly timeMs: number;
  readonly step: number;
}

export type Scalars = readonly (readonly [tag: string, value: number])[];

/** Values of one slash are shown in one group. */
const CURVES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  step: {
    loss: 'loss/step',
    accuracy: 'accuracy/step',
    lr: 'learning_rate',
    imagesPerSecond: 'images_per_second/step',
  },
  epoch: {
    trainLoss: 'loss/train',
    validationLoss: 'loss/validation',
    trainAccuracy: 'accuracy/train',
    validationAccuracy: 'accuracy/validation',
    imagesPerSecond: 'images_per_second/epoch',
  },
  test: { testLoss: 'loss/test', testAccuracy: 'accuracy/test' },
};

export interface ScalarsOfLine {
  readonly moment: Moment;
  readonly scalars: Scalars;
}

/**
 * @param lastStep the step of the lines before: a test has none of its own
 * @returns undefined for a line that holds no curve's value
 */
export function scalarsOf(line: MetricsLine, lastStep: number): ScalarsOfLine | undefined {
  const { event, time } = line;
  if (typeof event !== 'string' || typeof time !== 'string' || !Object.hasOwn(CURVES, event))
    return undefined;
  const timeMs = Date.parse(time);
  const step = numberOf(line['step']) ?? lastStep;
  const scalars: [string, number][] = [];
  for (const [field, tag] of Object.entries(CURVES[event]!)) {
    const value = numberOf(line[field]);
    if (value !== null) scalars.push([tag, value]);
  }
  return scalars.length === 0 || Number.isNaN(timeMs) ? undefined : { moment: { timeMs, step }, scalars };
}

const TAGS: ReadonlySet<string> = new Set(Object.values(CURVES).flatMap((tags) => Object.values(tags)));

/** Whether a record with this tag comes from a line of metrics.jsonl. */
export function isCurve(tag: string | undefined): boolean {
  return tag !== undefined && TAGS.has(tag);
}
