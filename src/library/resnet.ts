/** `resnet`: the name of a network by its size. */

import { LockstepError } from '../foundation/errors.js';
import { whyNoPreset } from '../model/index.js';

export interface ResnetSize {
  /** Layers with weights: 6n + 2. */
  readonly depth: number;
  /** The channels, as a multiple of the paper's 16, 32 and 64; 1 if left out. */
  readonly width?: number | undefined;
}

/**
 * A ResNet of arXiv:1512.03385, section 4.2, for the recipe's `model`.
 * @throws LockstepError E_OPTION for a depth that is not 6n + 2
 */
export function resnet({ depth, width = 1 }: ResnetSize): string {
  const name = width === 1 ? `resnet${depth}` : `resnet${depth}x${width}`;
  const rule = whyNoPreset(name);
  if (rule === undefined) return name;
  throw new LockstepError('E_OPTION', `there is no network ${name}: its name must be ${rule}`);
}
