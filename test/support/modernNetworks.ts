/** The two networks of test/golden/modern.py, their inputs, and what PyTorch made of them. */

import { readFileSync } from 'node:fs';
import { IMAGES } from '../../src/model/index.js';
import type { Model, TensorSpec } from '../../src/model/index.js';
import { goldenParameters } from './goldenGradient.js';
import type { GoldenGradient } from './goldenGradient.js';
import { hashedLabels, hashedValues } from './numbers.js';
import { TinyModelBuilder } from './tinyModels.js';

const SHAPE = { height: 32, width: 32, channels: 3 };
const CLASS_COUNT = 10;

/** The network of airbench94 with an identity skip around each group's second convolution. */
export function fast94(widths: readonly number[], padding: 'same' | 'valid'): Model {
  const builder = new TinyModelBuilder(SHAPE);
  const norm = { epsilon: 1e-12, frozen: 'scale' } as const;
  builder.convolution(24, 1, IMAGES, { kernelSize: 2, padding, bias: true, frozen: true });
  builder.activation('gelu');
  for (const width of widths) {
    builder.convolution(width);
    builder.pool('max-pool', 2);
    builder.batchNormalisation(undefined, norm);
    const skip = builder.activation('gelu');
    builder.convolution(width);
    builder.activation('gelu', builder.add(builder.batchNormalisation(undefined, norm), skip));
  }
  builder.pool('max-pool', padding === 'same' ? 4 : 3);
  builder.dense(CLASS_COUNT, undefined, false);
  builder.scale(1 / 9);
  return builder.build();
}

function mixed(): Model {
  const builder = new TinyModelBuilder(SHAPE);
  builder.convolution(8, 1, IMAGES, { bias: true });
  builder.activation('celu', undefined, 0.075);
  builder.pool('average-pool', 3, 2);
  builder.batchNormalisation();
  const input = builder.activation('silu');
  builder.convolution(12, 2);
  const branch = builder.batchNormalisation();
  builder.convolution(12, 2, input, { kernelSize: 1 });
  const shortcut = builder.batchNormalisation();
  builder.activation('celu', builder.add(branch, shortcut), 1);
  builder.convolution(8, 1, undefined, { kernelSize: 2, bias: true });
  const top = builder.activation('silu');
  builder.batchNormalisation();
  builder.activation('gelu');
  builder.add(top, builder.convolution(8));
  builder.pool('max-pool', 3, 1);
  builder.globalAveragePool();
  builder.dense(CLASS_COUNT);
  return builder.build();
}

interface Description {
  readonly batchSize: number;
  readonly parameterSeed: number;
  readonly imageSeed: number;
  readonly labelSeed: number;
  readonly networks: Readonly<
    Record<
      'fast94' | 'mixed',
      {
        readonly lossSum: number;
        readonly correct: number;
        readonly gradients: readonly (readonly number[])[];
        readonly statistics: readonly (readonly number[])[];
      }
    >
  >;
}

/** The file holds the networks one after another, as here. */
export function readModernGoldens(): Readonly<Record<'fast94' | 'mixed', GoldenGradient>> {
  const folder = new URL('../golden/', import.meta.url);
  const description = JSON.parse(readFileSync(new URL('modern.json', folder), 'utf8')) as Description;
  const bytes = readFileSync(new URL('modern.bin', folder));
  const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
  let offset = 0;
  const take = (length: number): Float32Array => values.slice(offset, (offset += length));
  const golden = (model: Model, name: 'fast94' | 'mixed'): GoldenGradient => {
    const { layout, classCount } = model;
    const { lossSum, correct, gradients, statistics } = description.networks[name];
    requireShapes(gradients, layout.parameters);
    requireShapes(statistics, layout.statistics);
    return {
      ...{ model, lossSum, correct },
      state: {
        parameters: goldenParameters(model, description.parameterSeed),
        statistics: new Float32Array(layout.statisticCount),
        version: 1,
      },
      batch: {
        images: hashedValues(description.batchSize * 3072, description.imageSeed, 2),
        labels: hashedLabels(description.batchSize, description.labelSeed, classCount),
      },
      gradientSum: take(layout.parameterCount),
      batchStatistics: take(layout.statisticCount),
    };
  };
  return { fast94: golden(fast94([8, 16, 16], 'valid'), 'fast94'), mixed: golden(mixed(), 'mixed') };
}

function requireShapes(golden: readonly (readonly number[])[], specs: readonly TensorSpec[]): void {
  const found = specs.map(({ shape }) => shape.join('x')).join(' ');
  const wanted = golden.map((shape) => shape.join('x')).join(' ');
  if (found !== wanted) throw new Error(`the golden file's tensors are ${wanted}, the model's ${found}`);
}
