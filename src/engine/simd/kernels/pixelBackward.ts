/** Backward through ReLU, a sum and batch normalisation. */

import {
  addVectors,
  bitwiseAnd,
  greaterThan,
  load,
  multiplyVectors,
  subtractVectors,
  vector,
} from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { Local } from '../../../foundation/wasm/functionBuilder.js';
import type { SmoothActivation } from '../../graph.js';
import { emitDerivative } from './activations.js';
import type { KernelEmitter } from './library.js';
import { coefficients, forEachPixel } from './pixelPass.js';
import { FLOAT_BYTES, VECTOR_BYTES } from './products.js';
import { plainStrides, stridesOf } from './shapes.js';
import type { MapShape, Padded } from './shapes.js';

export interface NormalisationBackwardOptions {
  readonly map: MapShape;
  readonly padded: Padded;
}

/**
 * dx = g gain + ((x - mean) slope + bias). Parameters: g (plain), x (plain), coefficients, dx, image count.
 */
export const emitNormalisationBackward =
  ({ map, padded }: NormalisationBackwardOptions): KernelEmitter =>
  (f, arithmetic) => {
    const plain = plainStrides(map);
    forEachPixel(f, {
      map,
      streams: {
        gradient: { parameter: 0, strides: plain },
        input: { parameter: 1, strides: plain },
        result: { parameter: 3, strides: stridesOf(map, padded) },
      },
      imageCountParameter: 4,
      channelParameters: [2],
      vectorsPerBlock: 2,
      block: (firstByte, vectorCount, [coefficientBlock]) => {
        const rows = coefficients(
          f,
          coefficientBlock!,
          map,
          ['mean', 'gain', 'slope', 'bias'],
          firstByte,
          vectorCount,
        );
        return {
          vector: (index, { gradient, input, result }) => {
            const centred = subtractVectors(load(input.address, input.byteOffset), rows.mean[index]!);
            const correction = arithmetic.multiplyAdd(centred, rows.slope[index]!, rows.bias[index]!);
            const value = arithmetic.multiplyAdd(
              load(gradient.address, gradient.byteOffset),
              rows.gain[index]!,
              correction,
            );
            f.store(result.address, value, result.byteOffset);
          },
        };
      },
    });
  };

/** What is done to a gradient on its way through a ReLU and into a batch normalisation. */
export interface GradientOptions {
  readonly map: MapShape;
  readonly sourcePadded: boolean;
  readonly addend: boolean;
  /** How the ReLU before is undone: from its results, or by recomputing its input. */
  readonly mask: 'none' | 'results' | 'normalised';
  /** In place of a mask: the activation that lies before, and how what went into it is computed again. */
  readonly smooth?: SmoothInput | undefined;
  /** Whether to sum g and g (x - mean), which batch normalisation's gradient needs. */
  readonly sums: boolean;
  readonly resultsPadded: boolean;
}

/** x, or x scale + shift; plus an addend. */
export interface SmoothInput {
  readonly activation: SmoothActivation;
  readonly normalise: boolean;
  readonly inputPadded: boolean;
  readonly addend: 'none' | 'plain' | 'padded';
}

/**
 * g = (source + addend) where the ReLU was open; sums[0] = sum of g, sums[1] = sum of g (x - mean), a channel each.
 * A smooth activation's derivative is multiplied with instead.
 * Parameters: source, addend, ReLU results or the activation's addend, x, coefficients, g (written), sums (2, channels;
 * written), image count.
 */
export const emitGradient =
  (options: GradientOptions): KernelEmitter =>
  (f, arithmetic) => {
    const { map, smooth } = options;
    const plain = plainStrides(map);
    const needsInput = options.sums || options.mask === 'normalised' || smooth !== undefined;
    const derivative = smooth && emitDerivative(smooth.activation);
    const sumRowBytes = map.channels * FLOAT_BYTES;
    if (options.sums) {
      for (let offset = 0; offset < 2 * sumRowBytes; offset += VECTOR_BYTES) {
        f.store(f.parameter(6), vector(0), offset);
      }
    }
    forEachPixel(f, {
      map,
      streams: {
        source: { parameter: 0, strides: stridesOf(map, options.sourcePadded) },
        ...(options.addend && { addend: { parameter: 1, strides: plain } }),
        ...(options.mask === 'results' && {
          results: { parameter: 2, strides: stridesOf(map, options.resultsPadded) },
        }),
        ...(smooth &&
          smooth.addend !== 'none' && {
            smoothAddend: { parameter: 2, strides: stridesOf(map, smooth.addend === 'padded') },
          }),
        ...(needsInput && {
          input: { parameter: 3, strides: stridesOf(map, smooth?.inputPadded ?? false) },
        }),
        result: { parameter: 5, strides: plain },
      },
      imageCountParameter: 7,
      channelParameters: [4, 6],
      vectorsPerBlock: 2,
      block: (firstByte, vectorCount, [coefficientBlock, sums]) => {
        const masks =
          options.mask === 'normalised' || smooth?.normalise
            ? coefficients(f, coefficientBlock!, map, ['scale', 'shift'], firstByte, vectorCount)
            : undefined;
        const centres = options.sums
          ? coefficients(f, coefficientBlock!, map, ['mean'], firstByte, vectorCount)
          : undefined;
        const zeros = (): Local<'v128'>[] => Array.from({ length: vectorCount }, () => f.variable(vector(0)));
        const totals = options.sums ? { gradient: zeros(), product: zeros() } : undefined;
        return {
          vector: (index, { source, addend, results, input, smoothAddend, result }) => {
            let value: V128 = load(source.address, source.byteOffset);
            if (options.addend) value = addVectors(value, load(addend.address, addend.byteOffset));
            const x = needsInput ? f.variable(load(input.address, input.byteOffset)) : undefined;
            if (options.mask === 'results') {
              value = bitwiseAnd(value, greaterThan(load(results.address, results.byteOffset), vector(0)));
            } else if (derivative) {
              let u: V128 = x!;
              if (masks) u = arithmetic.multiplyAdd(u, masks.scale[index]!, masks.shift[index]!);
              if (smooth.addend !== 'none')
                u = addVectors(u, load(smoothAddend.address, smoothAddend.byteOffset));
              value = multiplyVectors(value, derivative(f, arithmetic, f.variable(u)));
            } else if (masks) {
              const normalised = arithmetic.multiplyAdd(x!, masks.scale[index]!, masks.shift[index]!);
              value = bitwiseAnd(value, greaterThan(normalised, vector(0)));
            }
            const gradient = f.variable(value);
            f.store(result.address, gradient, result.byteOffset);
            if (totals) {
              const { gradient: sum, product } = totals;
              f.set(sum[index]!, addVectors(sum[index]!, gradient));
              const centred = subtractVectors(x!, centres!.mean[index]!);
              f.set(product[index]!, arithmetic.multiplyAdd(gradient, centred, product[index]!));
            }
          },
          end: () => {
            if (!totals) return;
            [totals.gradient, totals.product].forEach((row, rowIndex) =>
              row.forEach((total, index) => {
                const offset = rowIndex * sumRowBytes + firstByte + index * VECTOR_BYTES;
                f.store(sums!, addVectors(load(sums!, offset), total), offset);
              }),
            );
          },
        };
      },
    });
  };
