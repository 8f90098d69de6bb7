/** Learning-rate schedules as pure functions of the step, so a checkpoint need not hold their state. */

import { stepsPerEpoch } from '../../data/index.js';
import { cosineOfPiTimes } from '../../foundation/deterministicMath.js';
import type { Recipe } from '../run/recipe.js';

export type RateOptions = Pick<
  Recipe,
  'schedule' | 'lr' | 'warmupEpochs' | 'epochs' | 'milestones' | 'gamma' | 'finalLr'
>;

export interface ScheduleContext extends RateOptions {
  readonly stepsPerEpoch: number;
}

/** @param sampleCount of the training set */
export function scheduleOf(recipe: Recipe, sampleCount: number): ScheduleContext {
  return { ...recipe, stepsPerEpoch: stepsPerEpoch(sampleCount, recipe.batchSize, recipe.dropLast) };
}

/** Steps of the whole run, if nothing ends it before: of a fraction of an epoch, the nearest whole step. */
export function totalStepsOf({
  epochs,
  stepsPerEpoch,
}: Pick<ScheduleContext, 'epochs' | 'stepsPerEpoch'>): number {
  return Math.max(1, Math.round(epochs * stepsPerEpoch));
}

// The defaults of PyTorch's OneCycleLR (Smith and Topin, arXiv:1708.07120), but the momentum stays the same.
const ONECYCLE_RISE = 0.3;
const ONECYCLE_START_DIVISOR = 25;
const ONECYCLE_END_DIVISOR = 1e4;

/** @param step counted from 0 over the whole run */
export function learningRateAt(step: number, context: ScheduleContext): number {
  const { schedule, lr, finalLr, warmupEpochs, stepsPerEpoch } = context;
  const totalSteps = totalStepsOf(context);
  const warmupSteps = warmupEpochs * stepsPerEpoch;
  if (step < warmupSteps) return (lr * (step + 1)) / (warmupSteps + 1);
  switch (schedule) {
    case 'constant':
      return lr;
    case 'multistep':
      return multistep(Math.floor(step / stepsPerEpoch), context);
    case 'cosine':
      return finalLr + (lr - finalLr) * anneal(1, 0, (step - warmupSteps) / (totalSteps - warmupSteps));
    case 'triangular':
      return (lr * (totalSteps - step) + finalLr * (step - warmupSteps)) / (totalSteps - warmupSteps);
    case 'onecycle':
      return onecycle(step, totalSteps, lr);
  }
}

/** lr times gamma once for every milestone (in epochs) that has been reached. */
function multistep(epoch: number, { lr, milestones, gamma }: RateOptions): number {
  return milestones.reduce((rate, milestone) => (epoch >= milestone ? rate * gamma : rate), lr);
}

function onecycle(step: number, totalSteps: number, peak: number): number {
  const start = peak / ONECYCLE_START_DIVISOR;
  const end = start / ONECYCLE_END_DIVISOR;
  const riseEnd = ONECYCLE_RISE * totalSteps - 1;
  if (step <= riseEnd) return anneal(start, peak, step / riseEnd);
  return anneal(peak, end, (step - riseEnd) / (totalSteps - 1 - riseEnd));
}

/** Follows half a cosine, from `from` at share 0 to `to` at share 1. */
function anneal(from: number, to: number, share: number): number {
  return to + ((from - to) / 2) * (1 + cosineOfPiTimes(Math.min(1, Math.max(0, share))));
}
