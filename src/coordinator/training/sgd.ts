/** The optimizer: SGD with momentum and weight decay, as defined by PyTorch's torch.optim.SGD with dampening 0. */

import type { ModelState } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { sgdInto } from '../vectors/vectorKernels.js';

export interface SgdOptions {
  readonly momentum: number;
  /** Adds weightDecay * parameter to the gradient of every parameter, including those of batch normalisation. */
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

/** The weight of a new batch in a running statistic: the default of PyTorch's BatchNorm2d. */
export const STATISTICS_MOMENTUM = 0.1;

/**
 * Updates parameters and velocity in place. Computes in float64 and rounds to float32 where a value is stored, so the
 * result is the same on every host.
 * @param parameters (parameterCount)
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

/** Moves the running statistics towards the mean statistics of the step, in place. */
export function mergeStatistics(state: ModelState, total: GradientLeaf): void {
  const { statistics } = state;
  for (let index = 0; index < statistics.length; index++) {
    const batch = total.statisticSum[index]! / total.sampleCount;
    statistics[index] = (1 - STATISTICS_MOMENTUM) * statistics[index]! + STATISTICS_MOMENTUM * batch;
  }
}
