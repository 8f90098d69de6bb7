/** Kernels over the pixels of a value: they store a reading, and finish it as a convolution does. */

import type { ActivationShape } from '../../../model/index.js';
import { finishStatements } from './finish.js';
import type { Finish } from './finish.js';
import { indices, KernelSource } from './kernelSource.js';
import type { Dispatch, Range, Reading } from './kernelSource.js';
import { quadsOf, shapeText } from './shapes.js';
import type { Tiling } from './shapes.js';

const THREADS = 256;
const PIXELS_PER_THREAD = 4;
const MOST_LANES = 16;

export interface PixelOptions {
  /** Its purpose, for profiles. */
  readonly purpose: string;
  readonly shape: ActivationShape;
  readonly imageCount: number;
  readonly read: Reading;
  readonly result: Range;
  readonly finish: Finish;
}

interface PixelTile {
  readonly lanes: number;
  readonly groups: number;
  readonly pixels: number;
  readonly tilesPerImage: number;
}

function tileOf(shape: ActivationShape): PixelTile {
  const quads = quadsOf(shape);
  let lanes = Math.min(quads, MOST_LANES);
  while (quads % lanes !== 0) lanes--;
  const groups = Math.floor(THREADS / lanes);
  const pixels = groups * PIXELS_PER_THREAD;
  return { lanes, groups, pixels, tilesPerImage: Math.ceil((shape.height * shape.width) / pixels) };
}

export function pixelTiling(shape: ActivationShape, imageCount: number): Tiling {
  const { pixels, tilesPerImage } = tileOf(shape);
  const pixelsOf = (tile: string): string =>
    `min(${pixels}u, ${shape.height * shape.width}u - ${tile} % ${tilesPerImage}u * ${pixels}u)`;
  return { tileCount: imageCount * tilesPerImage, pixelsOf };
}

export function pixels(options: PixelOptions): Dispatch {
  const { purpose, shape, imageCount, read, result, finish } = options;
  const tile = tileOf(shape);
  const kernel = new KernelSource();
  const reader = kernel.reader(read);
  const each = indices(PIXELS_PER_THREAD);
  const main = `
let image = group.z;
let lane = thread % ${tile.lanes}u;
let firstPixel = group.x * ${tile.pixels}u + thread / ${tile.lanes}u;
${each
  .map(
    // One beyond the image reads the last pixel, and is not stored: without a branch, no read waits for the one before.
    (index) => `let pixel${index} = firstPixel + ${index * tile.groups}u;
let inside${index} = min(pixel${index}, ${shape.height * shape.width - 1}u);
var value${index} = ${reader}(image, inside${index} / ${shape.width}u, inside${index} % ${shape.width}u, group.y * ${tile.lanes}u + lane);`,
  )
  .join('\n')}
${finishStatements(kernel, finish, {
  shape,
  result,
  pixels: each.map((index) => ({
    row: `pixel${index} / ${shape.width}u`,
    column: `pixel${index} % ${shape.width}u`,
    value: `value${index}`,
  })),
  quad: `group.y * ${tile.lanes}u + lane`,
  tile: `image * ${tile.tilesPerImage}u + group.x`,
  pixelsOfTile: pixelTiling(shape, imageCount).pixelsOf('group.x'),
  lanes: tile.lanes,
  groups: tile.groups,
})}`;
  return kernel.build({
    label: `${purpose} ${shapeText(shape)}`,
    threads: tile.lanes * tile.groups,
    workgroups: [tile.tilesPerImage, quadsOf(shape) / tile.lanes, imageCount],
    main,
  });
}
