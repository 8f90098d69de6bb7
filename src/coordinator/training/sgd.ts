/** The optimizer: SGD with momentum and weight decay, as PyTorch's torch.optim.SGD defines it (dampening 0). */

import type { ModelState } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { sgdInto } from '../vectors/vectorKernels.js';

export interface SgdOptions {
  readonly momentum: number;
  /** Added to the gradient as weightDecay * parameter, of every parameter, normalisation included. */
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** Share of the new batch in a running statistic: PyTorch's BatchNorm2d default. */
export const STATISTICS_MOMENTUM = 0.1;

/**
 * One update, in place. Each parameter's arithmetic is float64 and rounded to float32 where a value is stored, so it
 * is the same on every host.
 * @param velocity the momentum buffer, (parameterCount); zeros before the first step
 */
export function applySgd(
  parameters: Float32Array,
  velocity: Float32Array,
  total: GradientLeaf,
  lr: number,
  options: SgdOptions,
): void {
  const { gradientSum, sampleCount } = total;
  sgdInto(parameters, velocity, gradientSum, { ...options, sampleCount, lr });
}

/** Moves the running statistics towards the step's mean statistics, in place. */
export function mergeStatistics(state: ModelState, total: GradientLeaf): void {
  const { statistics } = state;
  for (let index = 0; index < statistics.length; index++) {
    const batch = total.statisticSum[index]! / total.sampleCount;
    statistics[index] = (1 - STATISTICS_MOMENTUM) * statistics[index]! + STATISTICS_MOMENTUM * batch;
  }
}
