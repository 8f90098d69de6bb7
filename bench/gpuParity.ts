/**
 * Compares gradients of the engine `webgpu` with those of `simd`, as JSON lines; exits with 1 if they differ too much.
 *
 * A value within a rounding error of zero may pass a rectifier in one engine and not in the other, which changes gradients
 * by up to a hundredth. In a deep network nearly every random image has such a value. So the closest of several single
 * images decides: if it agrees to rounding in every tensor, the arithmetic is right, since a wrong one never does by chance.
 */

import { Command } from 'commander';
import type { GradientResult, MicroBatch, Precision, VersionedState } from '../src/engine/engine.js';
import { engineFactory } from '../src/engine/registry.js';
import { loadWebgpu, webgpuEngine } from '../src/engine/webgpu/index.js';
import { SUBGROUP_MATRICES_OF_SCALARS } from '../src/engine/webgpu/kernels/matrixOperations.js';
import { buildModel, elementCount, initialiseModel } from '../src/model/index.js';
import type { Model } from '../src/model/index.js';
import { hashedLabels, hashedValues, relativeError } from '../test/support/numbers.js';
import { tensorDistances } from '../test/support/tensorDistances.js';
import { listOf, modelName, positive, precisionOption } from './optionValues.js';
import { median } from './statistics.js';

const KEY = [5, 6] as const;
/** Of the median gradient; and of losses and statistics, which no rectifier's gradient affects. */
const TOLERANCES = {
  f32: { gradient: 1e-4, forward: 1e-5 },
  f16: { gradient: 0.1, forward: 5e-3 }, // many values change sides at a rectifier
} as const;

interface Options {
  readonly models: readonly string[];
  readonly microBatches: number;
  readonly microBatch: number;
  readonly largeMicroBatch: number;
  readonly device?: string;
  readonly precision: Precision;
  readonly scalars: boolean;
}

interface Distances {
  readonly loss: number;
  readonly statistics: number;
  /** Of the tensor with the largest distance. */
  readonly gradient: number;
  readonly tensor: string;
}

type Gradient = (batch: MicroBatch) => Promise<GradientResult>;

const options = new Command('gpuParity.js')
  .option('--models <names>', 'networks', listOf(modelName), ['resnet8', 'resnet20'])
  .option('--micro-batches <n>', 'small micro-batches to compare', positive, 12)
  .option('--micro-batch <n>', 'images of a small one', positive, 1)
  .option('--large-micro-batch <n>', 'images of the micro-batch that is computed twice', positive, 128)
  .option('--device <name>', 'index or name of an adapter')
  .addOption(precisionOption())
  .option('--scalars', 'with f16: hold operands in arrays of single numbers', false)
  .parse()
  .opts<Options>();
const tolerance = TOLERANCES[options.precision];
const matrices = options.scalars ? SUBGROUP_MATRICES_OF_SCALARS : undefined;

const found = await webgpuEngine.availability(options.device);
if (!found.available) throw new Error(`${found.reason}; ${found.remedy}`);
for (const name of options.models) {
  try {
    await compare(buildModel(name), found.device);
  } catch (error) {
    say({ model: name, check: 'failed', passes: false, error: String(error) });
  }
}

async function compare(model: Model, device: string | undefined): Promise<void> {
  const state: VersionedState = { ...initialiseModel(model, 7), version: 1 };
  const [ours, exact] = [
    await loadWebgpu(model, device, { precision: options.precision, matrices }),
    await engineFactory('simd').load(model),
  ];
  try {
    const gpu: Gradient = (batch) => ours.gradient(state, batch, KEY);
    const simd: Gradient = (batch) => exact.gradient(state, batch, KEY);
    await compareSmall(model, gpu, simd);
    await compareLarge(model, gpu, simd);
  } finally {
    ours.dispose();
    exact.dispose();
  }
}

async function compareSmall(model: Model, gpu: Gradient, simd: Gradient): Promise<void> {
  const all: Distances[] = [];
  for (let index = 0; index < options.microBatches; index++) {
    const batch = hashedBatch(model, options.microBatch, index);
    const distances = distancesOf(model, await gpu(batch), await simd(batch));
    all.push(distances);
    say({ model: model.name, check: 'micro-batch', images: options.microBatch, index, ...distances });
  }
  const gradients = all.map(({ gradient }) => gradient);
  const [closest, middle] = [Math.min(...gradients), median(gradients)];
  const forward = Math.max(...all.flatMap(({ loss, statistics }) => [loss, statistics]));
  const passes = closest < tolerance.gradient && forward < tolerance.forward;
  say({
    ...{ model: model.name, check: 'gradients', closestGradient: closest, medianGradient: middle },
    ...{ worstForward: forward, passes },
  });
}

async function compareLarge(model: Model, gpu: Gradient, simd: Gradient): Promise<void> {
  const images = options.largeMicroBatch;
  const batch = hashedBatch(model, images, options.microBatches);
  const first = await gpu(batch);
  const distances = distancesOf(model, first, await simd(batch));
  const passes = Math.max(distances.loss, distances.statistics) < tolerance.forward;
  say({ model: model.name, check: 'large micro-batch', images, ...distances, passes });
  const repeats = isSame(first, await gpu(batch));
  say({ model: model.name, check: 'same bits again', images, passes: repeats });
}

function distancesOf(model: Model, actual: GradientResult, expected: GradientResult): Distances {
  const tensors = [...tensorDistances(model, actual.gradientSum, expected.gradientSum)];
  // NaN counts as the largest distance.
  const size = (distance: number): number => (Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance);
  const [tensor, gradient] = tensors.reduce((worst, one) => (size(one[1]) > size(worst[1]) ? one : worst));
  return {
    loss: size(relativeError([actual.lossSum], [expected.lossSum])),
    statistics: size(relativeError(actual.batchStatistics, expected.batchStatistics)),
    gradient: size(gradient),
    tensor,
  };
}

function isSame(left: GradientResult, right: GradientResult): boolean {
  const vectors = [
    [left.gradientSum, right.gradientSum],
    [left.batchStatistics, right.batchStatistics],
  ] as const;
  return left.lossSum === right.lossSum && vectors.every(([a, b]) => bytesOf(a).equals(bytesOf(b)));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function hashedBatch(model: Model, size: number, index: number): MicroBatch {
  const seed = (index + 1) * 10_000_000;
  const { height, width, channels } = model.inputShape;
  return {
    images: hashedValues(size * elementCount([height, width, channels]), seed),
    labels: hashedLabels(size, seed, model.classCount),
  };
}

function say(line: Readonly<Record<string, unknown>>): void {
  if (line['passes'] === false) process.exitCode = 1;
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
