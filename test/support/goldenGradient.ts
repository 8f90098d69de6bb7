/** Reads PyTorch's gradient of ResNet-8 (test/golden/gradient.py) and rebuilds its inputs from their formula. */

import { readFileSync } from 'node:fs';
import { buildModel, tensorView } from '../../src/model/index.js';
import type { Model, TensorSpec } from '../../src/model/index.js';
import type { MicroBatch, VersionedState } from '../../src/engine/engine.js';
import { hashedLabels, hashedValues } from './numbers.js';

export interface GoldenGradient {
  readonly model: Model;
  readonly state: VersionedState;
  readonly batch: MicroBatch;
  readonly lossSum: number;
  readonly correct: number;
  readonly gradientSum: Float32Array;
  readonly batchStatistics: Float32Array;
}

interface Description {
  readonly batchSize: number;
  readonly parameterSeed: number;
  readonly imageSeed: number;
  readonly labelSeed: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly gradients: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly statistics: readonly { readonly name: string; readonly shape: readonly number[] }[];
}

export function readGoldenGradient(): GoldenGradient {
  const folder = new URL('../golden/', import.meta.url);
  const json = readFileSync(new URL('resnet8-gradient.json', folder), 'utf8');
  const description = JSON.parse(json) as Description;
  const bytes = readFileSync(new URL('resnet8-gradient.bin', folder));
  const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
  const model = buildModel('resnet8');
  const { layout, inputShape } = model;
  requireSameTensors(description.gradients, layout.parameters);
  requireSameTensors(description.statistics, layout.statistics);
  const imageLength = inputShape.height * inputShape.width * inputShape.channels;
  return {
    model,
    state: {
      parameters: goldenParameters(model, description.parameterSeed),
      statistics: new Float32Array(layout.statisticCount),
      version: 1,
    },
    batch: {
      images: hashedValues(description.batchSize * imageLength, description.imageSeed, 2),
      labels: hashedLabels(description.batchSize, description.labelSeed, model.classCount),
    },
    lossSum: description.lossSum,
    correct: description.correct,
    gradientSum: values.slice(0, layout.parameterCount),
    batchStatistics: values.slice(layout.parameterCount),
  };
}

/** `fill_parameters` of the script. */
function goldenParameters(model: Model, seed: number): Float32Array {
  const parameters = hashedValues(model.layout.parameterCount, seed);
  for (const spec of model.layout.parameters) {
    const view = tensorView(parameters, spec);
    const fanIn = spec.length / spec.shape.at(-1)!;
    view.forEach((value, index) => {
      if (spec.shape.length > 1) view[index] = value * Math.sqrt(6 / fanIn);
      else view[index] = spec.name.endsWith('.scale') ? 1 + 0.5 * value : 0.25 * value;
    });
  }
  return parameters;
}

/** The golden file also checks the order of tensors. */
function requireSameTensors(golden: Description['gradients'], specs: readonly TensorSpec[]): void {
  const describe = (tensors: Description['gradients']): string =>
    tensors.map(({ name, shape }) => `${name} ${shape.join('x')}`).join('\n');
  if (describe(golden) !== describe(specs)) {
    throw new Error(`the golden file's tensors:\n${describe(golden)}\nthe model's:\n${describe(specs)}`);
  }
}
