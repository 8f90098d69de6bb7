/** Option A's shortcut between maps of different shape. */

import { add, constant, load, vector } from '../../../foundation/wasm/expressions.js';
import type { FunctionBuilder } from '../../../foundation/wasm/functionBuilder.js';
import type { KernelEmitter } from './library.js';
import { VECTOR_BYTES } from './products.js';
import { plainStrides, stridesOf } from './shapes.js';
import type { MapShape } from './shapes.js';

export interface ShortcutShape {
  readonly input: MapShape;
  readonly output: MapShape;
  readonly stride: 1 | 2;
  readonly inputPadded: boolean;
}

/**
 * Every `stride`-th pixel's channels to or from the leading channels of the output. In the forward pass the other
 * channels become zero; in the backward pass the other pixels do.
 * Parameters: inputs, plain outputs, image count. The backward pass reads the gradient of the outputs.
 */
export const emitShortcut =
  ({ input, output, stride, inputPadded }: ShortcutShape, direction: 'forward' | 'backward'): KernelEmitter =>
  (f) => {
    const inputs = stridesOf(input, inputPadded);
    const outputs = plainStrides(output);
    const inputImage = f.variable(add(f.parameter(0), constant(inputs.origin)));
    const outputImage = f.variable(f.parameter(1));
    f.repeat(f.parameter(2), () => {
      const inputRow = f.variable(inputImage);
      const outputRow = f.variable(outputImage);
      const visitRow = (kept: boolean): void => {
        const from = f.variable(inputRow);
        const to = f.variable(outputRow);
        const copyPixel = (keptPixel: boolean): void => {
          if (direction === 'forward') {
            for (let offset = 0; offset < outputs.pixel; offset += VECTOR_BYTES) {
              f.store(to, offset < inputs.pixel ? load(from, offset) : vector(0), offset);
            }
            f.advance(from, stride * inputs.pixel);
            f.advance(to, outputs.pixel);
            return;
          }
          for (let offset = 0; offset < inputs.pixel; offset += VECTOR_BYTES) {
            f.store(from, keptPixel ? load(to, offset) : vector(0), offset);
          }
          f.advance(from, inputs.pixel);
          if (keptPixel) f.advance(to, outputs.pixel);
        };
        if (direction === 'forward') {
          f.repeat(output.width, () => copyPixel(true));
        } else {
          alternate(f, input.width, stride, (index) => copyPixel(kept && index === 0));
        }
        f.advance(inputRow, direction === 'forward' ? stride * inputs.row : inputs.row);
        if (kept) f.advance(outputRow, outputs.row);
      };
      if (direction === 'forward') f.repeat(output.height, () => visitRow(true));
      else alternate(f, input.height, stride, (index) => visitRow(index === 0));
      f.advance(inputImage, inputs.image);
      f.advance(outputImage, outputs.image);
    });
  };

/** body(0), body(1), … body(period - 1), body(0), … `count` times in all. */
function alternate(f: FunctionBuilder, count: number, period: number, body: (index: number) => void): void {
  const whole = Math.floor(count / period);
  if (whole > 0) {
    f.repeat(whole, () => {
      for (let index = 0; index < period; index++) body(index);
    });
  }
  for (let index = 0; index < count % period; index++) body(index);
}
