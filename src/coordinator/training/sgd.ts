/**
 * The optimizer: SGD with momentum and weight decay, as defined by PyTorch's torch.optim.SGD with dampening 0; Muon for the
 * tensors that the rules give to it.
 */

import type { ModelState } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { tensorView } from '../../model/index.js';
import { keeping, NO_RULES } from './tensorRules.js';
import type { TensorRules } from './tensorRules.js';
import { applyMuon } from './muon.js';
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
  rules: TensorRules = NO_RULES,
): void {
  const { gradientSum, sampleCount } = total;
  const others = [...rules.frozen, ...[...rules.rates, ...rules.matrices].map(({ spec }) => spec)];
  keeping([parameters, velocity], others, () =>
    sgdInto(parameters, velocity, gradientSum, { ...options, sampleCount, lr }),
  );
  for (const { spec, lrFactor, decayFactor } of rules.rates) {
    sgdInto(tensorView(parameters, spec), tensorView(velocity, spec), tensorView(gradientSum, spec), {
      ...options,
      sampleCount,
      lr: lr * lrFactor,
      weightDecay: options.weightDecay * decayFactor,
    });
  }
  for (const { lrFactor, momentum, ...matrix } of rules.matrices) {
    const step = { lr: lr * lrFactor, momentum, weightDecay: options.weightDecay };
    applyMuon(parameters, velocity, total, matrix, step);
  }
}

/** Moves the running statistics towards the mean statistics of the step, in place. */
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
