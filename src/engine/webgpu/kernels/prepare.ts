/** Crops, mirrors and standardises images on the GPU, from the bytes of the data set. */

import type { ActivationShape } from '../../../model/index.js';
import { KernelSource } from './kernelSource.js';
import type { Dispatch, Range } from './kernelSource.js';
import { quadsOf } from './shapes.js';

const THREADS = 256;

export interface PixelInput {
  /** (B, H, W, C) bytes, four per element. */
  readonly pixels: Range;
  /** (B) elements of four signed bytes: top, left, mirrored, unused. */
  readonly windows: Range;
  /** (C, 256) */
  readonly table: Range;
}

/** Exactly the values that the host would prepare: they come from the same table. */
export function prepareImages(
  input: PixelInput,
  shape: ActivationShape,
  imageCount: number,
  result: Range,
): Dispatch {
  const { height, width, channels } = shape;
  const kernel = new KernelSource();
  const [pixels, windows] = [kernel.bind(input.pixels, 'u32'), kernel.bind(input.windows, 'i32')];
  const table = kernel.bind(input.table, 'f32');
  const to = kernel.bind(result, 'vec4f', 'read_write');
  const quads = quadsOf(shape);
  return kernel.build({
    label: 'images from pixels',
    threads: THREADS,
    workgroups: [Math.ceil((height * width) / THREADS), quads, imageCount],
    main: `
let image = group.z;
let pixel = group.x * ${THREADS}u + thread;
if (pixel < ${height * width}u) {
  let window = ${windows}[image];
  let across = select(pixel % ${width}u, ${width - 1}u - pixel % ${width}u, extractBits(window, 16u, 8u) != 0);
  let row = i32(pixel / ${width}u) + extractBits(window, 0u, 8u);
  let column = i32(across) + extractBits(window, 8u, 8u);
  var value = vec4f();
  if (row >= 0 && row < ${height} && column >= 0 && column < ${width}) {
    for (var lane = 0u; lane < 4u; lane++) {
      let channel = group.y * 4u + lane;
      if (channel < ${channels}u) {
        let byte = ((image * ${height}u + u32(row)) * ${width}u + u32(column)) * ${channels}u + channel;
        value[lane] = ${table}[channel * 256u + extractBits(${pixels}[byte / 4u], byte % 4u * 8u, 8u)];
      }
    }
  }
  ${to}[(image * ${height * width}u + pixel) * ${quads}u + group.y] = value;
}`,
  });
}
