/**
 * Small networks that measure one shape of layer each, and whole wide networks. A case is built from its description by
 * both engines, so both compute the same.
 */

import { buildModel, NetworkBuilder } from '../src/model/index.js';
import type { ActivationShape, ConvolutionOptions, NetworkEntry } from '../src/model/index.js';

export interface ShapeCase {
  readonly name: string;
  /** Images of one gradient. */
  readonly images: number;
  readonly network: NetworkEntry;
}

const CLASSES = Array.from({ length: 10 }, (_, label) => `class ${label}`);
const MICRO_BATCH = 32;
/** So that one gradient of large images takes no longer than one of small ones, and fits the memory. */
const MOST_PIXELS = MICRO_BATCH * 64 * 64;
const REPEATED = 2;

type Window = ConvolutionOptions & { readonly stride?: 1 | 2 };

/** A 1x1 convolution from the images, then twice the shape with batch normalisation and ReLU; once, if it changes the shape. */
function convolutions(side: number, inputs: number, outputs: number, window: Window = {}): ShapeCase {
  const { stride = 1, ...options } = window;
  const builder = new NetworkBuilder();
  let top = withNormalisation(
    builder,
    'stem',
    builder.convolution('stem', 'images', inputs, 1, { kernelSize: 1 }),
  );
  const isRepeated = inputs === outputs && stride === 1 && options.padding !== 'valid';
  for (let index = 0; index < (isRepeated ? REPEATED : 1); index++) {
    const name = `conv${index + 1}`;
    top = withNormalisation(builder, name, builder.convolution(name, top, outputs, stride, options));
  }
  const kernel = options.kernelSize ?? 3;
  const name = [
    `${kernel}x${kernel}`,
    ...(stride === 2 ? ['stride 2'] : []),
    ...(options.padding === 'valid' ? ['valid'] : []),
    `${inputs} to ${outputs} channels, ${side}x${side}`,
  ].join(' ');
  return finished(name, side, builder, top);
}

function pool(
  kind: 'maxPool' | 'averagePool',
  side: number,
  channels: number,
  size: number,
  stride: number,
): ShapeCase {
  const builder = new NetworkBuilder();
  const stem = builder.convolution('stem', 'images', channels, 1, { kernelSize: 1 });
  const top = builder[kind]('pool', withNormalisation(builder, 'stem', stem), size, stride);
  const word = kind === 'maxPool' ? 'max-pool' : 'average-pool';
  return finished(`${word} ${size} by ${stride}, ${channels} channels, ${side}x${side}`, side, builder, top);
}

function withNormalisation(builder: NetworkBuilder, name: string, top: string): string {
  return builder.relu(`${name}.relu`, builder.batchNormalisation(`${name}.norm`, top));
}

function finished(name: string, side: number, builder: NetworkBuilder, top: string): ShapeCase {
  builder.dense('dense', builder.globalAveragePool('mean', top), CLASSES.length);
  const inputShape: ActivationShape = { height: side, width: side, channels: 3 };
  const images = Math.max(1, Math.min(MICRO_BATCH, Math.floor(MOST_PIXELS / side ** 2)));
  return {
    name,
    images,
    network: { name: 'shape', inputShape, classNames: CLASSES, layers: builder.layers },
  };
}

/** What is not a ResNet's 3x3 on maps of whole 4x4 tiles. */
export const SHAPE_CASES: readonly ShapeCase[] = [
  convolutions(31, 64, 64),
  convolutions(15, 64, 256),
  convolutions(15, 256, 256),
  convolutions(7, 256, 256),
  convolutions(6, 256, 256),
  convolutions(3, 256, 256),
  convolutions(4, 512, 512),
  convolutions(8, 512, 512),
  convolutions(64, 64, 64),
  convolutions(112, 32, 32),
  convolutions(224, 16, 16),
  convolutions(31, 64, 128, { stride: 2 }),
  convolutions(32, 64, 64, { padding: 'valid' }),
  convolutions(32, 64, 64, { kernelSize: 1 }),
  convolutions(16, 64, 256, { kernelSize: 1 }),
  convolutions(16, 64, 128, { kernelSize: 1, stride: 2 }),
  convolutions(16, 64, 64, { kernelSize: 2 }),
  convolutions(31, 64, 64, { kernelSize: 2, padding: 'valid' }),
  pool('maxPool', 32, 64, 2, 2),
  pool('maxPool', 31, 64, 3, 2),
  pool('averagePool', 15, 256, 2, 2),
];

/** Whole networks with many channels. */
export const WIDE_CASES: readonly ShapeCase[] = [
  named('resnet20'),
  named('resnet20x4'),
  stacks(32, 64, 128),
  stacks(64, 128, 256),
  stacks(64, 256, 256),
  named('fast94'),
];

function named(name: string): ShapeCase {
  return { name, images: MICRO_BATCH, network: buildModel(name).description };
}

/** One residual block a stack. */
function stacks(...channels: readonly [number, number, number]): ShapeCase {
  const builder = new NetworkBuilder();
  const stem = builder.convolution('stem', 'images', channels[0]);
  let top = withNormalisation(builder, 'stem', stem);
  for (const [index, outputs] of channels.entries()) {
    const name = `stack${index + 1}`;
    const stride = index === 0 ? 1 : 2;
    const first = withNormalisation(
      builder,
      `${name}.1`,
      builder.convolution(`${name}.conv1`, top, outputs, stride),
    );
    const second = builder.batchNormalisation(
      `${name}.norm2`,
      builder.convolution(`${name}.conv2`, first, outputs),
    );
    const short = index === 0 ? top : builder.shortcut(`${name}.short`, top, outputs, stride);
    top = builder.relu(`${name}.relu2`, builder.add(`${name}.add`, second, short));
  }
  return finished(`stacks of ${channels.join(', ')} channels`, 32, builder, top);
}
