/**
 * Proves a set-up in a process of its own: one step of ResNet-8 by TensorFlow, whose gradient must be that of engine
 * `simd`, and whose loss must fall. Prints one JSON object.
 */

import { loadEngine, TENSORFLOW_ENVIRONMENT } from '../../dist/engine/index.js';
import { buildModel, initialiseModel } from '../../dist/model/index.js';

const SAMPLES = 32;
const LEARNING_RATE = 0.05;
const TOLERANCE = 1e-3;

for (const [name, value] of Object.entries(TENSORFLOW_ENVIRONMENT)) process.env[name] ??= value;
const model = buildModel('resnet8');
const state = initialiseModel(model, 1);
const batch = {
  images: Float32Array.from({ length: SAMPLES * 32 * 32 * 3 }, (_, i) => ((i * 7919) % 2003) / 1001 - 1),
  labels: Uint8Array.from({ length: SAMPLES }, (_, i) => i % 10),
};
const engine = await loadEngine({ name: 'tensorflow' }, model);
const reference = await loadEngine({ name: 'simd' }, model);
const before = await engine.gradient({ ...state, version: 1 }, batch, [0, 0]);
const expected = await reference.gradient({ ...state, version: 1 }, batch, [0, 0]);
const parameters = state.parameters.map(
  (value, i) => value - (LEARNING_RATE / SAMPLES) * before.gradientSum[i],
);
const after = await engine.gradient({ ...state, parameters, version: 2 }, batch, [0, 0]);
const distance = relativeDistance(before.gradientSum, expected.gradientSum);
const { device, versions } = engine.description;
const proven = distance < TOLERANCE && after.lossSum < before.lossSum;
process.stdout.write(
  `\nproof:${JSON.stringify({ proven, device, distance, lossBefore: before.lossSum / SAMPLES, lossAfter: after.lossSum / SAMPLES, tensorflowVersion: versions.tensorflow, usesGpu: device.includes('CUDA') })}\n`,
  () => process.exit(0),
);

function relativeDistance(actual, wanted) {
  let difference = 0;
  let size = 0;
  wanted.forEach((value, i) => {
    difference += (actual[i] - value) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / size);
}
