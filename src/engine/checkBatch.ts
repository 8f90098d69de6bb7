/** What an engine requires of its arguments, whatever computes inside it. */

import { LockstepError } from '../foundation/errors.js';
import { elementCount } from '../model/index.js';
import type { Model } from '../model/index.js';
import type { MicroBatch, VersionedState } from './engine.js';

/** @throws LockstepError E_ENGINE_FAILED for arrays of other sizes than the model's, or a target that it cannot have */
export function checkBatch(
  model: Model,
  state: VersionedState,
  { images, labels, labelSmoothing = 0 }: MicroBatch,
): void {
  const { layout, inputShape, classCount } = model;
  const { height, width, channels } = inputShape;
  requireLength('parameters', state.parameters.length, layout.parameterCount);
  requireLength('statistics', state.statistics.length, layout.statisticCount);
  requireLength('images', images.length, labels.length * elementCount([height, width, channels]));
  if (labels.length === 0) {
    throw new LockstepError('E_ENGINE_FAILED', 'a micro-batch of 0 samples has no gradient; send at least 1');
  }
  const wrong = labels.find((label) => label >= classCount);
  if (wrong !== undefined) {
    throw new LockstepError('E_ENGINE_FAILED', `label ${wrong} must be below ${classCount}; check the data`);
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new LockstepError('E_ENGINE_FAILED', `label smoothing ${labelSmoothing} must be from 0 to below 1`);
  }
}

function requireLength(what: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new LockstepError(
    'E_ENGINE_FAILED',
    `${what} hold ${length} elements and must hold ${expected}; use the model that they were made for`,
  );
}
