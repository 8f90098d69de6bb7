import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUSED, UNFUSED } from '../../../src/engine/simd/arithmetic.js';
import type { Arithmetic } from '../../../src/engine/simd/arithmetic.js';
import { KernelLibrary } from '../../../src/engine/simd/kernels/library.js';
import { probeNumerics } from '../../../src/engine/simd/numerics.js';
import { Arena } from '../../../src/engine/simd/plan/arena.js';
import { makeConvolution } from '../../../src/engine/simd/plan/makeConvolution.js';
import { hashedValues, relativeError } from '../../support/numbers.js';
import { forEachProduct } from './naiveConvolution.js';
import type { NaiveShape } from './naiveConvolution.js';

/** Largest ||error|| / ||exact||: float32 rounding, amplified about tenfold by the transforms of F(4x4, 3x3). */
const TOLERANCE = 3e-6;

/** Copies plain images into ones with a border of zeros. */
function padImages(
  images: Float32Array,
  count: number,
  height: number,
  width: number,
  channels: number,
): Float32Array {
  const padded = new Float32Array(count * (height + 2) * (width + 2) * channels);
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < height; row++) {
      const from = (image * height + row) * width * channels;
      const to = ((image * (height + 2) + row + 1) * (width + 2) + 1) * channels;
      padded.set(images.subarray(from, from + width * channels), to);
    }
  }
  return padded;
}

function unpadImages(
  padded: Float32Array,
  count: number,
  height: number,
  width: number,
  channels: number,
): Float32Array {
  const images = new Float32Array(count * height * width * channels);
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < height; row++) {
      const from = ((image * (height + 2) + row + 1) * (width + 2) + 1) * channels;
      images.set(padded.subarray(from, from + width * channels), (image * height + row) * width * channels);
    }
  }
  return images;
}

interface Results {
  readonly outputs: Float32Array;
  readonly inputGradient: Float32Array;
  readonly weightGradient: Float32Array;
}

/** Runs the kernels on channels that are multiples of 4, as the plan pads them. */
async function byKernels(
  arithmetic: Arithmetic,
  shape: NaiveShape,
  inputs: Float32Array,
  weights: Float32Array,
  gradients: Float32Array,
): Promise<Results> {
  const { images, height, width, stride } = shape;
  const input = { height, width, channels: shape.inputs };
  const output = {
    height: Math.ceil(height / stride),
    width: Math.ceil(width / stride),
    channels: shape.outputs,
  };
  const library = new KernelLibrary(arithmetic);
  const arena = new Arena();
  const convolution = makeConvolution(library, arena, { input, output, stride, imagesPerGroup: images });
  const put = (values: Float32Array): ReturnType<Arena['fixed']> => {
    const region = arena.fixed(values.length);
    arena.view(region).set(values);
    return region;
  };
  const transposed = weights.slice();
  for (let tap = 0; tap < 9; tap++) {
    for (let from = 0; from < shape.inputs; from++) {
      for (let to = 0; to < shape.outputs; to++) {
        transposed[(tap * shape.outputs + to) * shape.inputs + from] =
          weights[(tap * shape.inputs + from) * shape.outputs + to]!;
      }
    }
  }
  const naturalRegion = put(weights);
  const transposedRegion = put(transposed);
  const padded = put(padImages(inputs, images, height, width, shape.inputs));
  const outputRegion = put(new Float32Array(gradients.length));
  const gradientRegion = put(gradients);
  await library.compile();
  library.bind(arena.memory);
  convolution.prepareWeights(naturalRegion, transposedRegion);
  convolution.forward(padded.byteOffset, outputRegion.byteOffset, images);
  convolution.beginBackward();
  convolution.backward(padded.byteOffset, { gradients: gradientRegion.byteOffset }, images, true);
  const inputGradient = arena.view(convolution.inputGradient).slice();
  convolution.finishBackward(naturalRegion);
  return {
    outputs: arena.view(outputRegion).slice(),
    inputGradient: convolution.inputGradientPadded
      ? unpadImages(inputGradient, images, height, width, shape.inputs)
      : inputGradient,
    weightGradient: arena.view(naturalRegion).slice(),
  };
}

async function expectToMatchDefinition(arithmetic: Arithmetic, shape: NaiveShape): Promise<void> {
  const outputPixels = Math.ceil(shape.height / shape.stride) * Math.ceil(shape.width / shape.stride);
  const inputs = hashedValues(shape.images * shape.height * shape.width * shape.inputs, 1);
  const weights = hashedValues(9 * shape.inputs * shape.outputs, 1_000_001);
  const gradients = hashedValues(shape.images * outputPixels * shape.outputs, 2_000_001);
  const outputs = new Float64Array(gradients.length);
  const inputGradient = new Float64Array(inputs.length);
  const weightGradient = new Float64Array(weights.length);
  forEachProduct(shape, (input, weight, output) => {
    outputs[output]! += inputs[input]! * weights[weight]!;
    inputGradient[input]! += gradients[output]! * weights[weight]!;
    weightGradient[weight]! += gradients[output]! * inputs[input]!;
  });
  const actual = await byKernels(arithmetic, shape, inputs, weights, gradients);
  expect(relativeError(actual.outputs, outputs)).toBeLessThan(TOLERANCE);
  expect(relativeError(actual.inputGradient, inputGradient)).toBeLessThan(TOLERANCE);
  expect(relativeError(actual.weightGradient, weightGradient)).toBeLessThan(TOLERANCE);
}

const canFuse = (await probeNumerics())?.arithmetic.fused === true;
const ARITHMETICS = [{ name: 'plain', arithmetic: UNFUSED }].concat(
  canFuse ? [{ name: 'fused', arithmetic: FUSED }] : [],
);

describe.each(ARITHMETICS)('convolution kernels, $name', ({ arithmetic }) => {
  const channels = fc.integer({ min: 1, max: 5 }).map((vectors) => 4 * vectors);

  it('agree with the definition on any map, stride and count of channels', async () => {
    const shapes = fc.record({
      images: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 1, max: 11 }),
      width: fc.integer({ min: 1, max: 11 }),
      inputs: channels,
      outputs: channels,
      stride: fc.constantFrom(1 as const, 2 as const),
    });
    await fc.assert(
      fc.asyncProperty(shapes, (shape) => expectToMatchDefinition(arithmetic, shape)),
      { numRuns: 40, seed: 1 },
    );
  });

  it('agree with the definition on maps of whole tiles, where they use Winograd transforms', async () => {
    const shapes = fc.record({
      images: fc.integer({ min: 1, max: 3 }),
      height: fc.constantFrom(4, 8, 12),
      width: fc.constantFrom(4, 8, 16),
      inputs: channels,
      outputs: channels,
      stride: fc.constant(1 as const),
    });
    await fc.assert(
      fc.asyncProperty(shapes, (shape) => expectToMatchDefinition(arithmetic, shape)),
      { numRuns: 30, seed: 1 },
    );
  });

  it.each([
    { height: 32, width: 32, inputs: 16, outputs: 16, stride: 1, images: 1 },
    { height: 32, width: 32, inputs: 16, outputs: 32, stride: 2, images: 1 },
    { height: 16, width: 16, inputs: 32, outputs: 32, stride: 1, images: 2 },
    { height: 16, width: 16, inputs: 32, outputs: 64, stride: 2, images: 2 },
    { height: 8, width: 8, inputs: 64, outputs: 64, stride: 1, images: 3 },
  ] as const)('agree with the definition on $heightx$width, $inputs -> $outputs', (shape) =>
    expectToMatchDefinition(arithmetic, shape),
  );
});
