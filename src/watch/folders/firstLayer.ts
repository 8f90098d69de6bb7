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
    const tensor = await readOneTensor(file, (name, shape) => isWeight(name) && shape.length === DIMENSIONS);
    if (!tensor) continue;
    const [height, width, channels, filters] = tensor.shape as [number, number, number, number];
    if (Math.max(height, width) > MOST_SIDE || filters > MOST_FILTERS) return undefined;
    const name = printable(tensor.name, LONGEST_NAME);
    return { name, checkpoint, height, width, channels, filters, values: [...tensor.values] };
  }
  return undefined;
}

/** Not of the momentum, nor of the other weights that the last checkpoint holds. */
function isWeight(name: string): boolean {
  return !/^(momentum|best|averaged)\./.test(name);
}
