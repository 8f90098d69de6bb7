/** One convolution of random data with its two gradients on a device, with each tile, compared with sums in float64. */

import type { Session } from '../../src/engine/webgpu/dawn/session.js';
import { convolution } from '../../src/engine/webgpu/kernels/convolution.js';
import { usualConvolutionTile } from '../../src/engine/webgpu/kernels/convolutionTile.js';
import type { ConvolutionKind, ConvolutionSize } from '../../src/engine/webgpu/kernels/convolutionTile.js';
import { allocate } from '../../src/engine/webgpu/kernels/kernelSource.js';
import type { Dispatch, Range } from '../../src/engine/webgpu/kernels/kernelSource.js';
import { matrixConvolution } from '../../src/engine/webgpu/kernels/matrixConvolution.js';
import {
  matrixConvolutionTiles,
  matrixTilingOf,
} from '../../src/engine/webgpu/kernels/matrixConvolutionTile.js';
import type { MatrixConvolutionTile } from '../../src/engine/webgpu/kernels/matrixConvolutionTile.js';
import type { MatrixOperations, MatrixUnit } from '../../src/engine/webgpu/kernels/matrixOperations.js';
import { matrixWeightGradient } from '../../src/engine/webgpu/kernels/matrixWeightGradient.js';
import { matrixWeightGradientTiles } from '../../src/engine/webgpu/kernels/matrixWeightGradientTile.js';
import { packFilters } from '../../src/engine/webgpu/kernels/packFilters.js';
import { stored } from '../../src/engine/webgpu/kernels/readings.js';
import { partialLength } from '../../src/engine/webgpu/kernels/shapes.js';
import { weightGradient } from '../../src/engine/webgpu/kernels/weightGradient.js';
import { usualWeightGradientTile } from '../../src/engine/webgpu/kernels/weightGradientTile.js';
import { KernelRunner } from './kernelRunner.js';
import { hash32, relativeError } from './numbers.js';

/** Channels are multiples of 16. */
export interface LayerSize {
  readonly imageCount: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: 1 | 2;
}

export interface LayerCheck {
  readonly kernel: string;
  readonly tile: string;
  /** Of the vectors as a whole. */
  readonly error: number;
  /** Of the sums and squares for batch normalisation, if the kernel writes them. */
  readonly momentError?: number;
  readonly microseconds?: number;
  readonly teraflops?: number;
}

export interface LayerOptions {
  readonly session: Session;
  /** Left out: kernels of single precision. */
  readonly operations?: MatrixOperations;
  readonly size: LayerSize;
  /** What results are compared with: sums in float64, or, for large layers, the kernels of single precision. */
  readonly beside: 'float64' | 'f32';
  readonly times?: boolean;
  /** Tiles of a kernel, at most. */
  readonly mostTiles?: number;
}

interface Variant {
  readonly kernel: Kernel;
  readonly tile: string;
  readonly dispatches: readonly Dispatch[];
  readonly result: Range;
  readonly moments?: { readonly partials: Range; readonly pixelsOf: readonly number[] };
}

interface Moments {
  readonly partials: { readonly values: Float32Array; readonly channels: number };
  /** Of each tile. */
  readonly pixelsOf: readonly number[];
}

type Kernel = 'forward' | 'gradient' | 'filter';
type Reference = Record<Kernel, ArrayLike<number>>;

export async function* checkLayer(options: LayerOptions): AsyncGenerator<LayerCheck> {
  const layer = new Layer(options);
  const runner = new KernelRunner(options.session);
  try {
    yield* layer.run(runner);
  } finally {
    runner.release();
  }
}

class Layer {
  private readonly input: ConvolutionSize['input'];
  private readonly output: ConvolutionSize['output'];
  private readonly values: Record<'input' | 'filter' | 'gradient', Float32Array<ArrayBuffer>>;
  private readonly ranges: Record<'input' | 'filter' | 'packed' | 'gradient', Range>;

  constructor(private readonly options: LayerOptions) {
    const { imageCount, height, width, inputs, outputs, stride } = options.size;
    this.input = { height, width, channels: inputs };
    this.output = {
      height: Math.ceil(height / stride),
      width: Math.ceil(width / stride),
      channels: outputs,
    };
    this.values = {
      input: values(imageCount * height * width * inputs, 1e6, 1),
      filter: values(9 * inputs * outputs, 2e6, 0.1),
      gradient: values(imageCount * this.output.height * this.output.width * outputs, 3e6, 1e-5),
    };
    const range = (name: keyof typeof this.values): Range => allocate(name, this.values[name].length);
    this.ranges = {
      input: range('input'),
      filter: range('filter'),
      gradient: range('gradient'),
      packed: allocate('packed', this.values.filter.length / 2),
    };
  }

  async *run(runner: KernelRunner): AsyncGenerator<LayerCheck> {
    const { beside, times = false } = this.options;
    const { ranges, values } = this;
    for (const name of ['input', 'filter', 'gradient'] as const) runner.write(ranges[name], values[name]);
    await runner.run([packFilters([{ from: ranges.filter, to: ranges.packed }])]);
    const reference = beside === 'float64' ? this.reference() : await this.deviceReference(runner);
    for (const variant of this.variants(this.unit)) {
      const { kernel, tile, dispatches, result, moments } = variant;
      // If a kernel writes nothing, the last kernel's results must not be there.
      runner.write(result, new Float32Array(result.length).fill(NaN));
      await runner.run(dispatches);
      const actual = await runner.read(result);
      const error = relativeError(actual, reference[kernel]);
      const momentError =
        moments &&
        beside === 'float64' &&
        this.momentError(actual, {
          partials: {
            values: await runner.read(moments.partials),
            channels: kernel === 'forward' ? this.output.channels : this.input.channels,
          },
          pixelsOf: moments.pixelsOf,
        });
      const check = { kernel, tile, error, ...(typeof momentError === 'number' ? { momentError } : {}) };
      yield times ? { ...check, ...(await this.timed(runner, variant)) } : check;
    }
  }

  private async deviceReference(runner: KernelRunner): Promise<Reference> {
    const results: Partial<Record<Kernel, Float32Array>> = {};
    for (const { kernel, dispatches, result } of this.variants(undefined)) {
      await runner.run(dispatches);
      results[kernel] = await runner.read(result);
    }
    return results as Reference;
  }

  private async timed(
    runner: KernelRunner,
    { dispatches }: Variant,
  ): Promise<{ microseconds: number; teraflops: number }> {
    const { imageCount, inputs, outputs } = this.options.size;
    const microseconds = (await runner.time(dispatches)).reduce((total, time) => total + time, 0);
    const operations = 2 * 9 * imageCount * this.output.height * this.output.width * inputs * outputs;
    return { microseconds, teraflops: operations / microseconds / 1e6 };
  }

  private *variants(unit: MatrixUnit | undefined): Generator<Variant> {
    yield* this.convolutions('forward', unit);
    yield* this.convolutions('gradient', unit);
    yield* this.weightGradients(unit);
  }

  private *convolutions(kind: ConvolutionKind, unit: MatrixUnit | undefined): Generator<Variant> {
    const { options, ranges } = this;
    const isForward = kind === 'forward';
    const [input, output] = isForward ? [this.input, this.output] : [this.output, this.input];
    const { imageCount, stride } = options.size;
    const size: ConvolutionSize = { kind, stride, border: 1, imageCount, input, output };
    const result = allocate(kind, imageCount * output.height * output.width * output.channels);
    const read = stored(isForward ? ranges.input : ranges.gradient, input);
    if (unit === undefined) {
      const tile = usualConvolutionTile(size);
      const finish = { kind: 'store' } as const;
      const dispatch = convolution({ ...size, tile, read, weights: ranges.filter, result, finish });
      yield { kernel: kind, tile: 'f32', dispatches: [dispatch], result };
      return;
    }
    for (const tile of matrixConvolutionTiles(size, unit).slice(0, options.mostTiles)) {
      const { rows, columns, images, blockProducts, channelProducts, pixelProducts, threads } = tile;
      const { tileCount } = matrixTilingOf(size, tile);
      const partials = allocate('moments', partialLength({ tileCount, pixelsOf: (index) => index }, output));
      const dispatch = matrixConvolution({
        ...{ ...size, tile, read, result, packedWeights: ranges.packed },
        operations: unit.operations,
        finish: { kind: 'moments', partials },
      });
      const name = `${images}x${rows}x${columns} block ${blockProducts} subgroup ${channelProducts}x${pixelProducts} threads ${threads}`;
      yield {
        kernel: kind,
        tile: name,
        dispatches: [dispatch],
        result,
        moments: { partials, pixelsOf: pixelsOfTiles(size, tile) },
      };
    }
  }

  private *weightGradients(unit: MatrixUnit | undefined): Generator<Variant> {
    const { options, ranges, input, output } = this;
    const { imageCount, stride } = options.size;
    const size = { stride, border: 1, imageCount, input, output } as const;
    const result = allocate('filter gradient', ranges.filter.length);
    const parts = {
      read: stored(ranges.input, input),
      readGradient: stored(ranges.gradient, output),
      result,
    };
    if (unit === undefined) {
      const dispatches = weightGradient({ ...size, ...parts, tile: usualWeightGradientTile(size) });
      yield { kernel: 'filter', tile: 'f32', dispatches, result };
      return;
    }
    for (const tile of matrixWeightGradientTiles(size, unit).slice(0, options.mostTiles)) {
      const dispatches = matrixWeightGradient({
        ...{ ...size, ...parts, tile },
        operations: unit.operations,
      });
      const { rows, columns, inputBlock, outputBlock, inputProducts, outputProducts, splits, threads } = tile;
      const name = `${rows}x${columns} blocks ${inputBlock}x${outputBlock} subgroup ${inputProducts}x${outputProducts} splits ${splits} threads ${threads}`;
      yield { kernel: 'filter', tile: name, dispatches, result };
    }
  }

  private get unit(): MatrixUnit | undefined {
    const { operations, session } = this.options;
    return operations && { operations, limits: session.workgroupLimits };
  }

  /** Of the channels' sums, and of the sum of all squares, combined from the tiles' sums and deviations. */
  private momentError(values: Float32Array, { partials, pixelsOf }: Moments): number {
    const quads = Math.ceil(partials.channels / 4);
    const expected = new Float64Array(partials.channels);
    let expectedSquares = 0;
    values.forEach((value, index) => {
      expected[index % partials.channels]! += value;
      expectedSquares += value * value;
    });
    const sums = new Float64Array(partials.channels);
    let squares = 0;
    for (let tile = 0; tile < pixelsOf.length; tile++) {
      for (let channel = 0; channel < partials.channels; channel++) {
        const at = (tile * quads + Math.floor(channel / 4)) * 8 + (channel % 4);
        const sum = partials.values[at]!;
        sums[channel]! += sum;
        squares += partials.values[at + 4]! + sum ** 2 / pixelsOf[tile]!;
      }
    }
    return Math.max(relativeError(sums, expected), Math.abs(squares / expectedSquares - 1));
  }

  private reference(): Reference {
    const { imageCount, stride } = this.options.size;
    const [x, w, dy] = [this.values.input, this.values.filter, this.values.gradient];
    const { height, width, channels: inputs } = this.input;
    const { channels: outputs } = this.output;
    const forward = new Float64Array(dy.length);
    const gradient = new Float64Array(x.length);
    const filter = new Float64Array(w.length);
    for (let image = 0; image < imageCount; image++) {
      for (let p = 0; p < this.output.height; p++) {
        for (let q = 0; q < this.output.width; q++) {
          const to = ((image * this.output.height + p) * this.output.width + q) * outputs;
          for (let tap = 0; tap < 9; tap++) {
            const row = p * stride + Math.floor(tap / 3) - 1;
            const column = q * stride + (tap % 3) - 1;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const from = ((image * height + row) * width + column) * inputs;
            for (let c = 0; c < inputs; c++) {
              const weight = (tap * inputs + c) * outputs;
              const value = x[from + c]!;
              let sum = 0;
              for (let k = 0; k < outputs; k++) {
                forward[to + k]! += value * w[weight + k]!;
                filter[weight + k]! += value * dy[to + k]!;
                sum += w[weight + k]! * dy[to + k]!;
              }
              gradient[from + c]! += sum;
            }
          }
        }
      }
    }
    return { forward, gradient, filter };
  }
}

/** As `hashedValues`, but fast enough for millions. */
function values(length: number, seed: number, amplitude: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(length);
  for (let index = 0; index < length; index++) {
    result[index] = (hash32(seed + index) / 2 ** 31 - 1) * amplitude;
  }
  return result;
}

/** For every tile, the pixels inside an image. */
function pixelsOfTiles({ imageCount, output }: ConvolutionSize, tile: MatrixConvolutionTile): number[] {
  const { rows, columns, images, tilesAcross, tilesPerImage, imageGroups } = tile;
  return Array.from({ length: imageGroups * tilesPerImage }, (_, index) => {
    const place = index % tilesPerImage;
    const height = Math.min(rows, output.height - Math.floor(place / tilesAcross) * rows);
    const width = Math.min(columns, output.width - (place % tilesAcross) * columns);
    return height * width * Math.min(images, imageCount - Math.floor(index / tilesPerImage) * images);
  });
}
