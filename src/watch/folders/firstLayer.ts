/** What the first layer of a run's network looks for: its filters, of the best weights or else of the last. */

import path from 'node:path';
import { readOneTensor } from '../../coordinator/index.js';
import { printable } from '../../foundation/printable.js';
import type { FirstLayer } from './runData.js';

const CHECKPOINTS = ['best', 'last'] as const;
/** (height, width, channels, filters) */
const DIMENSIONS = 4;
/** Larger filters, or more of them, make no picture. */
const MOST_SIDE = 32;
const MOST_FILTERS = 512;
const LONGEST_NAME = 100;

/** Undefined for a run without a checkpoint, or whose network does not begin with a convolution of images. */
export async function readFirstLayer(folder: string): Promise<FirstLayer | undefined> {
  for (const checkpoint of CHECKPOINTS) {
    const file = path.join(folder, 'checkpoints', `${checkpoint}.safetensors`);
    const first = await readFirstFilters(file);
    if (!first) continue;
    const { name, height, width, channels, filters, values } = first;
    if (Math.max(height, width) > MOST_SIDE || filters > MOST_FILTERS) return undefined;
    return {
      name: printable(name, LONGEST_NAME),
      checkpoint,
      height,
      width,
      channels,
      filters,
      values: [...values],
    };
  }
  return undefined;
}

export interface FirstFilters {
  readonly name: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  readonly values: Float32Array; // (height, width, channels, filters)
}

/** The weight of the first convolution in a checkpoint; undefined for no such file, or no such weight. */
export async function readFirstFilters(checkpointFile: string): Promise<FirstFilters | undefined> {
  const tensor = await readOneTensor(
    checkpointFile,
    (name, shape) => isWeight(name) && shape.length === DIMENSIONS,
  );
  if (!tensor) return undefined;
  const [height, width, channels, filters] = tensor.shape as [number, number, number, number];
  return { name: tensor.name, height, width, channels, filters, values: tensor.values };
}

/** Not of the momentum, nor of the other weights that the last checkpoint holds. */
function isWeight(name: string): boolean {
  return !/^(momentum|best|averaged)\./.test(name);
}
