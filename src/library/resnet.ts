/** `resnet`: the name of a network by its size. */

import { LockstepError } from '../foundation/errors.js';
import { isModelName, MODEL_NAMES } from '../model/index.js';
import type { ModelName } from '../model/index.js';

export interface ResnetSize {
  /** Layers with weights: 6n + 2. */
  readonly depth: number;
  /** The channels, as a multiple of the paper's 16, 32 and 64; 1 if left out. */
  readonly width?: number | undefined;
}

/**
 * A CIFAR-10 ResNet of arXiv:1512.03385, section 4.2, for the recipe's `model`.
 * @throws LockstepError E_OPTION for a size that is not among the models
 */
export function resnet({ depth, width = 1 }: ResnetSize): ModelName {
  const name = width === 1 ? `resnet${depth}` : `resnet${depth}x${width}`;
  if (isModelName(name)) return name;
  throw new LockstepError('E_OPTION', `there is no model ${name}; use one of ${MODEL_NAMES.join(', ')}`);
}
