/** The learning rates of a run, from its first step to its last. */

import { learningRateAt, scheduleOf, totalStepsOf } from '../../coordinator/index.js';
import type { Subject } from '../subject.js';

export interface Rates {
  /** Steps of the run, if nothing ends it before. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
  readonly first: number;
  readonly peak: number;
  readonly last: number;
  /** Share of the steps before the highest rate is reached. */
  readonly rise: number;
  /** Share of the steps, at the end, whose rate is next to nothing beside the peak. */
  readonly idle: number;
}

const MOST_POINTS = 4000;
const NEXT_TO_NOTHING = 1e-5;

export function ratesOf({ recipe, data: { split } }: Subject): Rates {
  const schedule = scheduleOf(recipe, split.training.length);
  const steps = Math.min(totalStepsOf(schedule), recipe.maxSteps ?? Infinity);
  const points = Math.min(steps, MOST_POINTS);
  const stepOf = (point: number): number =>
    points === 1 ? 0 : Math.round((point * (steps - 1)) / (points - 1));
  const rates = Array.from({ length: points }, (_, point) => learningRateAt(stepOf(point), schedule));
  const peak = Math.max(...rates);
  const isIdle = rates.map((rate) => rate < NEXT_TO_NOTHING * peak);
  return {
    steps,
    stepsPerEpoch: schedule.stepsPerEpoch,
    first: rates[0]!,
    peak,
    last: rates.at(-1)!,
    rise: rates.indexOf(peak) / points,
    idle: (points - 1 - isIdle.lastIndexOf(false)) / points,
  };
}
