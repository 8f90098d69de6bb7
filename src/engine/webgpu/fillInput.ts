/** Writes a micro-batch where a plan expects it. */

import { invariant } from '../../foundation/errors.js';
import type { RandomKey } from '../../foundation/random.js';
import { dropoutMask } from '../../model/index.js';
import type { MicroBatch, PixelBatch } from '../engine.js';
import type { Range } from './kernels/kernelSource.js';
import type { ImageInput, PassInput } from './plan/passInput.js';

/** @param memory as long as the plan's whole input; bytes between its parts are not changed */
export function fillInput(
  memory: ArrayBuffer,
  input: PassInput,
  batch: MicroBatch | PixelBatch,
  dropoutKey: RandomKey | undefined,
): void {
  const floats = new Float32Array(memory);
  fillImages(memory, input.source, batch);
  floats.set(batch.labels, input.labels.offset);
  floats[input.labelSmoothing.offset] = batch.labelSmoothing ?? 0;
  floats[input.labelSmoothing.offset + 1] = batch.mixture?.share ?? 1;
  floats.set(batch.mixture?.labels ?? batch.labels, input.otherLabels.offset);
  for (const { operation, range } of input.masks.values()) {
    if (dropoutKey === undefined) continue;
    const { layerIndex, rate } = operation;
    floats.set(dropoutMask(dropoutKey, layerIndex, range.length, rate), range.offset);
  }
}

const byteOffset = ({ offset }: Range): number => offset * Float32Array.BYTES_PER_ELEMENT;

function fillImages(memory: ArrayBuffer, source: ImageInput, batch: MicroBatch | PixelBatch): void {
  if (source.kind === 'images') {
    invariant('images' in batch, 'a plan for images is given pixels');
    new Float32Array(memory).set(batch.images, source.images.offset);
    return;
  }
  invariant('pixels' in batch, 'a plan for pixels is given images');
  new Uint8Array(memory).set(batch.pixels, byteOffset(source.pixels));
  new Int8Array(memory).set(batch.windows, byteOffset(source.windows));
  new Float32Array(memory).set(batch.table, source.table.offset);
}
