import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FUSED, UNFUSED } from '../../../src/engine/simd/arithmetic.js';
import type { Arithmetic } from '../../../src/engine/simd/arithmetic.js';
import { KernelLibrary } from '../../../src/engine/simd/kernels/library.js';
import { probeNumerics } from '../../../src/engine/simd/numerics.js';
import { Arena } from '../../../src/engine/simd/plan/arena.js';
import { forEachGroup } from '../../../src/engine/simd/plan/run.js';
import { makeConvolution } from '../../../src/engine/simd/plan/makeConvolution.js';
import { hashedValues, relativeError } from '../../support/numbers.js';
import { paddedStrides, plainStrides } from '../../../src/engine/simd/kernels/shapes.js';
import type { ImageStrides, MapShape } from '../../../src/engine/simd/kernels/shapes.js';
import { forEachProduct, outputSides, zerosBefore } from './naiveConvolution.js';
import type { NaiveShape } from './naiveConvolution.js';

/** Largest ||error|| / ||exact||: float32 rounding, amplified about tenfold by the transforms of F(4x4, 3x3). */
const TOLERANCE = 3e-6;

/** Calls `body(plain index, padded index)` for the first channel of each pixel. */
function forEachPixel(count: number, map: MapShape, body: (plain: number, padded: number) => void): void {
  const [plain, padded] = [plainStrides(map), paddedStrides(map)];
  for (let image = 0; image < count; image++) {
    for (let row = 0; row < map.height; row++) {
      for (let column = 0; column < map.width; column++) {
        const place = ({ origin, ...strides }: ImageStrides): number =>
          (origin + image * strides.image + row * strides.row + column * strides.pixel) / 4;
        body(place(plain), place(padded));
      }
    }
  }
}

/** Copies plain images into ones with a border of zeros. */
function padImages(images: Float32Array, count: number, map: MapShape): Float32Array {
  const result = new Float32Array((count * paddedStrides(map).image) / 4);
  forEachPixel(count, map, (plain, padded) => {
    result.set(images.subarray(plain, plain + map.channels), padded);
  });
  return result;
}

function unpadImages(images: Float32Array, count: number, map: MapShape): Float32Array {
  const result = new Float32Array((count * plainStrides(map).image) / 4);
  forEachPixel(count, map, (plain, padded) => {
    result.set(images.subarray(padded, padded + map.channels), plain);
  });
  return result;
}

interface Results {
  readonly outputs: Float32Array;
  readonly inputGradient: Float32Array;
  readonly weightGradient: Float32Array;
}

/**
 * Runs the kernels on channels that are multiples of 4, as the plan pads them.
 * @param imagesPerCall the gradient of the inputs is that of the last call
 */
async function byKernels(
  arithmetic: Arithmetic,
  shape: NaiveShape,
  inputs: Float32Array,
  weights: Float32Array,
  gradients: Float32Array,
  { imagesPerGroup = shape.images, imagesPerCall = shape.images } = {},
): Promise<Results> {
  const { images, height, width, stride, kernelSize } = shape;
  const input = { height, width, channels: shape.inputs };
  const [outputHeight, outputWidth] = outputSides(shape);
  const output = { height: outputHeight, width: outputWidth, channels: shape.outputs };
  const library = new KernelLibrary(arithmetic);
  const arena = new Arena();
  const convolution = makeConvolution(library, arena, {
    ...{ input, output, stride, kernelSize, imagesPerGroup },
    zeros: zerosBefore(shape),
  });
  const put = (values: Float32Array): ReturnType<Arena['fixed']> => {
    const region = arena.fixed(values.length);
    arena.view(region).set(values);
    return region;
  };
  const transposed = weights.slice();
  for (let tap = 0; tap < kernelSize ** 2; tap++) {
    for (let from = 0; from < shape.inputs; from++) {
      for (let to = 0; to < shape.outputs; to++) {
        transposed[(tap * shape.outputs + to) * shape.inputs + from] =
          weights[(tap * shape.inputs + from) * shape.outputs + to]!;
      }
    }
  }
  const naturalRegion = put(weights);
  const transposedRegion = put(transposed);
  const padded = put(padImages(inputs, images, input));
  const outputRegion = put(new Float32Array(gradients.length));
  const gradientRegion = put(gradients);
  await library.compile();
  library.bind(arena.memory);
  convolution.prepareWeights(naturalRegion, transposedRegion);
  convolution.beginBackward();
  forEachGroup(images, imagesPerCall, (first, count) => {
    const from = padded.byteOffset + first * paddedStrides(input).image;
    const outputsBefore = first * plainStrides(output).image;
    convolution.forward(from, outputRegion.byteOffset + outputsBefore, count);
    const gradient = { gradients: gradientRegion.byteOffset + outputsBefore };
    convolution.backward(from, gradient, count, { weights: true, inputs: true });
  });
  const inputGradient = arena.view(convolution.inputGradient).slice();
  expect(convolution.imagesAtOnce % imagesPerGroup).toBe(0);
  expect(convolution.imagesAtOnce).toBeGreaterThanOrEqual(imagesPerCall);
  convolution.finishBackward(naturalRegion);
  return {
    outputs: arena.view(outputRegion).slice(),
    inputGradient: convolution.inputGradientPadded
      ? unpadImages(inputGradient, images, input)
      : inputGradient,
    weightGradient: arena.view(naturalRegion).slice(),
  };
}

async function expectToMatchDefinition(arithmetic: Arithmetic, shape: NaiveShape): Promise<void> {
  const [outputHeight, outputWidth] = outputSides(shape);
  const outputPixels = outputHeight * outputWidth;
  const inputs = hashedValues(shape.images * shape.height * shape.width * shape.inputs, 1);
  const weights = hashedValues(shape.kernelSize ** 2 * shape.inputs * shape.outputs, 1_000_001);
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

const THREE_BY_THREE = {
  kernelSize: fc.constant(3 as const),
  padding: fc.constant('same' as const),
};

const canFuse = (await probeNumerics())?.arithmetic.fused === true;
const ARITHMETICS = [{ name: 'plain', arithmetic: UNFUSED }].concat(
  canFuse ? [{ name: 'fused', arithmetic: FUSED }] : [],
);

describe.each(ARITHMETICS)('convolution kernels, $name', ({ arithmetic }) => {
  const channels = fc.integer({ min: 1, max: 5 }).map((vectors) => 4 * vectors);

  it('agree with the definition for kernels of every size, with and without padding', async () => {
    const side = fc.integer({ min: 3, max: 9 });
    const shapes = fc.record({
      images: fc.integer({ min: 1, max: 3 }),
      height: side,
      width: side,
      inputs: channels,
      outputs: channels,
      stride: fc.constantFrom(1 as const, 2 as const),
      kernelSize: fc.constantFrom(1 as const, 2 as const, 3 as const),
      padding: fc.constantFrom('same' as const, 'valid' as const),
    });
    await fc.assert(
      fc.asyncProperty(shapes, (shape) => expectToMatchDefinition(arithmetic, shape)),
      { numRuns: 60, seed: 1 },
    );
  });

  it('give the same bits to groups of images that share a call, of which the last is cut', async () => {
    const shape = { height: 8, width: 8, inputs: 64, outputs: 128, stride: 1, images: 7 } as const;
    const naive = { ...shape, kernelSize: 3, padding: 'same' } as const;
    const inputs = hashedValues(7 * 64 * 64, 1);
    const weights = hashedValues(9 * 64 * 128, 2);
    const gradients = hashedValues(7 * 64 * 128, 3);
    const results = (imagesPerCall: number): Promise<Results> =>
      byKernels(arithmetic, naive, inputs, weights, gradients, { imagesPerGroup: 2, imagesPerCall });
    const [apart, together] = [await results(2), await results(7)];
    expect(together.outputs).toEqual(apart.outputs);
    expect(together.weightGradient).toEqual(apart.weightGradient);
  });

  it.each([
    { side: 31, stride: 1 },
    { side: 15, stride: 1 },
    { side: 7, stride: 1 },
    { side: 6, stride: 1 },
    { side: 3, stride: 1 },
    { side: 15, stride: 2 },
    { side: 14, stride: 2 },
    { side: 32, stride: 1, padding: 'valid' },
    { side: 31, stride: 1, padding: 'valid' },
    { side: 10, stride: 1, padding: 'valid' },
    { side: 9, stride: 1, padding: 'valid' },
    { side: 5, stride: 1, padding: 'valid' },
    { side: 9, stride: 2, padding: 'valid' },
  ] as const)(
    'agree with the definition on maps of $side, stride $stride, $padding, whose tiles are cut',
    ({ side, stride, ...given }) => {
      const { padding = 'same' } = given as { padding?: 'same' | 'valid' };
      const shape = { height: side, width: side, inputs: 8, outputs: 12, images: 2, stride } as const;
      return expectToMatchDefinition(arithmetic, { ...shape, kernelSize: 3, padding });
    },
  );

  it('agree with the definition on any map, stride and count of channels', async () => {
    const shapes = fc.record({
      images: fc.integer({ min: 1, max: 3 }),
      height: fc.integer({ min: 1, max: 11 }),
      width: fc.integer({ min: 1, max: 11 }),
      inputs: channels,
      outputs: channels,
      stride: fc.constantFrom(1 as const, 2 as const),
      ...THREE_BY_THREE,
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
      ...THREE_BY_THREE,
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
    // Products in several parts of tiles, and of columns: whole ones and a rest, of rows that are skewed and of others.
    { height: 16, width: 16, inputs: 100, outputs: 132, stride: 1, images: 1 },
    { height: 12, width: 12, inputs: 64, outputs: 196, stride: 1, images: 1 },
    { height: 32, width: 32, inputs: 64, outputs: 128, stride: 1, images: 1 },
    { height: 32, width: 32, inputs: 64, outputs: 128, stride: 2, images: 1 },
  ] as const)('agree with the definition on $heightx$width, $inputs -> $outputs', (shape) =>
    expectToMatchDefinition(arithmetic, { ...shape, kernelSize: 3, padding: 'same' }),
  );
});
