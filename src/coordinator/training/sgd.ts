/** The optimizer: SGD with momentum and weight decay, as PyTorch's torch.optim.SGD defines it (dampening 0). */

import type { ModelState } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { keepingFrozen, NO_RULES } from './tensorRules.js';
import type { TensorRules } from './tensorRules.js';
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
  rules: TensorRules = NO_RULES,
): void {
  const { gradientSum, sampleCount } = total;
  keepingFrozen([parameters, velocity], rules, () =>
    sgdInto(parameters, velocity, gradientSum, { ...options, sampleCount, lr }),
  );
}

/** Moves the running statistics towards the step's mean statistics, in place. */
export function mergeStatistics(
  { statistics }: Pick<ModelState, 'statistics'>,
  { statisticSum, sampleCount }: GradientLeaf,
  rules: TensorRules = NO_RULES,
): void {
  const merge = (first: number, end: number, momentum: number, from: Float32Array): void => {
    for (let index = first; index < end; index++) {
      const batch = statisticSum[index]! / sampleCount;
      statistics[index] = (1 - momentum) * from[index]! + momentum * batch;
    }
  };
  const before = rules.momenta.length === 0 ? statistics : statistics.slice();
  merge(0, statistics.length, STATISTICS_MOMENTUM, before);
  for (const { spec, momentum } of rules.momenta) {
    merge(spec.offset, spec.offset + spec.length, momentum, before);
  }
}
