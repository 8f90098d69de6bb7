/** One flat tensor holds everything that a pass returns, so that there is one read-back per micro-batch. */

import { invariant } from '../../foundation/errors.js';
import { tensorView } from '../../model/index.js';
import type { Model, TensorSpec } from '../../model/index.js';
import type { EvaluationResult, GradientResult, Targets } from '../engine.js';
import { softmaxCrossEntropy } from '../softmaxCrossEntropy.js';
import type { Normaliser, Tensor, Tensor1D, TensorFlow } from './backend.js';
import type { ParameterGradient } from './backward.js';
import type { ForwardRecord } from './forward.js';

/** Gradients in parameter layout, batch statistics in statistics layout, logits: one after another. */
export function packOutput(
  tf: TensorFlow,
  model: Model,
  record: ForwardRecord,
  gradients: readonly ParameterGradient[],
): Tensor1D {
  const byOffset = new Map(gradients.map(({ spec, value }) => [spec.offset, value]));
  const statistics = new Map<number, Tensor>();
  model.layers.forEach((layer, index) => {
    const normalisation = record.normalisations.get(index);
    if (layer.kind !== 'batch-normalisation' || normalisation === undefined) return;
    statistics.set(layer.runningMean.offset, normalisation.mean);
    statistics.set(layer.runningVariance.offset, normalisation.variance);
  });
  const inOrder = (specs: readonly TensorSpec[], tensors: ReadonlyMap<number, Tensor>): Tensor[] =>
    specs.map((spec) => tensors.get(spec.offset) ?? tf.zeros([spec.length]));
  const parts = [
    ...inOrder(model.layout.parameters, byOffset),
    ...inOrder(model.layout.statistics, statistics),
    record.logits,
  ];
  return tf.concat1d(
    parts.map((part) => (part.rank === 1 ? part : tf.reshape(part, [part.size])) as Tensor1D),
  );
}

/**
 * The reverse of `packOutput`, with sums, counts and unbiased variances.
 * @param varianceDivisor of the normaliser that made the statistics
 */
export function unpackGradient(
  model: Model,
  targets: Targets,
  values: Float32Array,
  varianceDivisor: Normaliser['varianceDivisor'],
): GradientResult {
  const { parameterCount, statisticCount } = model.layout;
  const statisticEnd = parameterCount + statisticCount;
  const batchStatistics = values.slice(parameterCount, statisticEnd);
  if (varianceDivisor === 'N') makeVariancesUnbiased(model, targets.labels.length, batchStatistics);
  const { sampleCount, lossSum, correct } = unpackEvaluation(model, targets, values.subarray(statisticEnd));
  return {
    sampleCount,
    lossSum,
    correct,
    gradientSum: values.slice(0, parameterCount),
    batchStatistics,
  };
}

export function unpackEvaluation(model: Model, targets: Targets, logits: Float32Array): EvaluationResult {
  const { labels } = targets;
  invariant(
    logits.length === labels.length * model.classCount,
    'the device returned too few or too many values',
  );
  const { lossSum, correct } = softmaxCrossEntropy(logits, targets, model.classCount);
  return { sampleCount: labels.length, lossSum, correct, logits: logits.slice() };
}

/** Bessel's factor N / (N - 1), N = B * H * W. A single value has no unbiased variance and keeps the biased one, 0. */
function makeVariancesUnbiased(model: Model, batchSize: number, batchStatistics: Float32Array): void {
  for (const layer of model.layers) {
    if (layer.kind !== 'batch-normalisation') continue;
    const count = batchSize * layer.inputShape.height * layer.inputShape.width;
    const factor = count > 1 ? count / (count - 1) : 1;
    const variance = tensorView(batchStatistics, layer.runningVariance);
    variance.forEach((value, channel) => (variance[channel] = value * factor));
  }
}
