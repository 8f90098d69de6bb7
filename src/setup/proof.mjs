/**
 * Proves a set-up in a process of its own: gradients of ResNet-8 by TensorFlow must be those of engine `simd`, and a step
 * along one must make the loss fall. Prints one JSON object.
 *
 * Where a value lies within a rounding of zero, its rectifier may let a gradient through in one engine and not in the
 * other, and the two then differ by a thousandth or more; which values do depends on the processor. Among four images
 * that is rare, so most micro-batches of four differ by rounding alone, or the set-up is wrong.
 */

import { loadEngine, TENSORFLOW_ENVIRONMENT } from '../../dist/engine/index.js';
import { buildModel, initialiseModel } from '../../dist/model/index.js';

const SAMPLES = 32;
const COMPARED_SAMPLES = 4;
const LEARNING_RATE = 0.05;
/** Rounding stays below 3e-5. */
const TOLERANCE = 1e-4;

for (const [name, value] of Object.entries(TENSORFLOW_ENVIRONMENT)) process.env[name] ??= value;
const model = buildModel('resnet8');
const state = { ...initialiseModel(model, 1), version: 1 };
const engine = await loadEngine({ name: 'tensorflow' }, model);
const distance = await medianDistanceFrom(await loadEngine({ name: 'simd' }, model));
const { lossBefore, lossAfter } = await takeStep();
const { device, versions } = engine.description;
const proven = distance < TOLERANCE && lossAfter < lossBefore;
process.stdout.write(
  `\nproof:${JSON.stringify({ proven, device, distance, lossBefore, lossAfter, tensorflowVersion: versions.tensorflow, usesGpu: device.includes('CUDA') })}\n`,
  () => process.exit(0),
);

/** Of the gradients of micro-batches. */
async function medianDistanceFrom(reference) {
  const distances = [];
  for (let first = 0; first < SAMPLES; first += COMPARED_SAMPLES) {
    const batch = samples(first, COMPARED_SAMPLES);
    const actual = await engine.gradient(state, batch, [0, 0]);
    const expected = await reference.gradient(state, batch, [0, 0]);
    distances.push(relativeDistance(actual.gradientSum, expected.gradientSum));
  }
  return distances.sort((a, b) => a - b)[distances.length >> 1];
}

/** One of plain gradient descent, by TensorFlow alone. */
async function takeStep() {
  const batch = samples(0, SAMPLES);
  const before = await engine.gradient(state, batch, [0, 0]);
  const parameters = state.parameters.map(
    (value, i) => value - (LEARNING_RATE / SAMPLES) * before.gradientSum[i],
  );
  const after = await engine.gradient({ ...state, parameters, version: 2 }, batch, [0, 0]);
  return { lossBefore: before.lossSum / SAMPLES, lossAfter: after.lossSum / SAMPLES };
}

function samples(first, count) {
  const valuesPerImage = 32 * 32 * 3;
  const value = (i) => ((i * 7919) % 2003) / 1001 - 1;
  return {
    images: Float32Array.from({ length: count * valuesPerImage }, (_, i) =>
      value(first * valuesPerImage + i),
    ),
    labels: Uint8Array.from({ length: count }, (_, i) => (first + i) % 10),
  };
}

function relativeDistance(actual, wanted) {
  let difference = 0;
  let size = 0;
  wanted.forEach((value, i) => {
    difference += (actual[i] - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}
