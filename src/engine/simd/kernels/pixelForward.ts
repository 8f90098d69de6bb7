/** Forward through batch normalisation, a sum and ReLU. */

import { addVectors, load, pseudoMaximum, vector } from '../../../foundation/wasm/expressions.js';
import type { V128 } from '../../../foundation/wasm/expressions.js';
import type { SmoothActivation } from '../../graph.js';
import { emitActivation } from './activations.js';
import type { KernelEmitter } from './library.js';
import { coefficients, forEachPixel } from './pixelPass.js';
import { stridesOf } from './shapes.js';
import type { MapShape, Padded } from './shapes.js';

/** What a forward pass does to a pixel; the kernel's name is made from it. */
export interface ForwardOptions {
  readonly map: MapShape;
  readonly normalise: boolean;
  readonly addend: boolean;
  readonly relu: boolean;
  readonly smooth?: SmoothActivation | undefined;
  readonly sourcePadded: boolean;
  readonly addendPadded: boolean;
  readonly resultPadded: Padded;
}

/**
 * result = activation(source scale + shift + addend), each part only if requested.
 * Parameters: source, coefficients, addend, results, image count.
 */
export const emitForward =
  (options: ForwardOptions): KernelEmitter =>
  (f, arithmetic) => {
    const activate = options.smooth && emitActivation(options.smooth);
    forEachPixel(f, {
      map: options.map,
      streams: {
        source: { parameter: 0, strides: stridesOf(options.map, options.sourcePadded) },
        ...(options.addend && {
          addend: { parameter: 2, strides: stridesOf(options.map, options.addendPadded) },
        }),
        result: { parameter: 3, strides: stridesOf(options.map, options.resultPadded) },
      },
      imageCountParameter: 4,
      channelParameters: [1],
      vectorsPerBlock: 4,
      block: (firstByte, vectorCount, [coefficientBlock]) => {
        const rows = options.normalise
          ? coefficients(f, coefficientBlock!, options.map, ['scale', 'shift'], firstByte, vectorCount)
          : undefined;
        return {
          vector: (index, { source, addend, result }) => {
            let value: V128 = load(source.address, source.byteOffset);
            if (rows) value = arithmetic.multiplyAdd(value, rows.scale[index]!, rows.shift[index]!);
            if (options.addend) value = addVectors(value, load(addend.address, addend.byteOffset));
            if (options.relu) value = pseudoMaximum(value, vector(0));
            if (activate) value = activate(f, arithmetic, f.variable(value));
            f.store(result.address, value, result.byteOffset);
          },
        };
      },
    });
  };
