/** What every engine requires of its arguments. */

import { LockstepError } from '../foundation/errors.js';
import { elementCount } from '../model/index.js';
import type { Model } from '../model/index.js';
import type { MicroBatch, PixelBatch, Targets, VersionedState } from './engine.js';

/** @throws LockstepError E_ENGINE_FAILED for arrays of other sizes than the model's, or invalid targets */
export function checkBatch(model: Model, state: VersionedState, batch: MicroBatch | PixelBatch): void {
  const { layout, inputShape } = model;
  const { height, width, channels } = inputShape;
  const elements = batch.labels.length * elementCount([height, width, channels]);
  requireLength('parameters', state.parameters.length, layout.parameterCount);
  requireLength('statistics', state.statistics.length, layout.statisticCount);
  if ('images' in batch) {
    requireLength('images', batch.images.length, elements);
  } else {
    requireLength('pixels', batch.pixels.length, elements);
    requireLength('windows', batch.windows.length, 4 * batch.labels.length);
    requireLength('table', batch.table.length, 256 * channels);
  }
  checkTargets(model, batch);
}

function checkTargets({ classCount }: Model, { labels, labelSmoothing = 0, mixture }: Targets): void {
  if (labels.length === 0) {
    throw new LockstepError('E_ENGINE_FAILED', 'a micro-batch of 0 samples has no gradient; send at least 1');
  }
  if (mixture) requireLength('labels of mixed images', mixture.labels.length, labels.length);
  const wrong = [labels, mixture?.labels ?? []]
    .flatMap((each) => [...each])
    .find((label) => label >= classCount);
  if (wrong !== undefined) {
    throw new LockstepError('E_ENGINE_FAILED', `label ${wrong} must be below ${classCount}; check the data`);
  }
  if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
    throw new LockstepError('E_ENGINE_FAILED', `label smoothing ${labelSmoothing} must be from 0 to below 1`);
  }
  if (mixture && !(mixture.share >= 0 && mixture.share <= 1)) {
    throw new LockstepError('E_ENGINE_FAILED', `the share of a label ${mixture.share} must be from 0 to 1`);
  }
}

function requireLength(what: string, length: number, expected: number): void {
  if (length === expected) return;
  throw new LockstepError(
    'E_ENGINE_FAILED',
    `${what} hold ${length} elements and must hold ${expected}; use the model that they were made for`,
  );
}
