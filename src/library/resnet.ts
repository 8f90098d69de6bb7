/** `resnet`: the name of a network by its size. */

import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import { whyNoPreset } from '../model/index.js';
import { refuseUnknownKeys } from './checks.js';

export interface ResnetSize {
  /** Layers with weights: 6n + 2. */
  readonly depth: number;
  /** The channels, as a multiple of the paper's 16, 32 and 64; 1 if left out. */
  readonly width?: number | undefined;
}

/**
 * A ResNet of arXiv:1512.03385, section 4.2, for the recipe's `model`: `resnet({ depth: 20 })` or
 * `resnet({ depth: 20, width: 2 })`.
 * @throws LockstepError E_OPTION for a depth that is not 6n + 2, or a width that is no integer
 */
export function resnet(size: ResnetSize): string {
  const { depth, width = 1 } = checkedSize(size);
  const name = width === 1 ? `resnet${depth}` : `resnet${depth}x${width}`;
  const rule = whyNoPreset(name);
  if (rule === undefined) return name;
  throw new LockstepError('E_OPTION', `there is no network ${name}: its name must be ${rule}`);
}

function checkedSize(size: unknown): ResnetSize {
  if (isRecord(size)) {
    refuseUnknownKeys('the size of a ResNet', size, ['depth', 'width']);
    const { depth, width = 1 } = size;
    if (Number.isInteger(depth) && Number.isInteger(width)) return { depth, width } as ResnetSize;
  }
  throw new LockstepError(
    'E_OPTION',
    'resnet takes one object with depth and width, both integers; for example resnet({ depth: 20 }) or resnet({ depth: 20, width: 2 })',
  );
}
