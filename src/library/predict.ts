/** `predict`: what a network says of images of a program's own. */

import { ENGINE_SETTINGS, predictImages, PREDICTION_SETTINGS } from '../session/index.js';
import type { PictureBytes, PredictionOutcome } from '../session/index.js';
import { LockstepError } from '../foundation/errors.js';
import { isRecord } from '../foundation/isRecord.js';
import { checkPath, refuseUnknown } from './checks.js';
import { asLibraryErrors } from './errors.js';
import { ENGINE_KEYS } from './options.js';
import type { EngineOptions } from './options.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';
import { inProgram } from './words.js';

/** Besides what stands here: `workers` and `tta`, as on the command line. */
export interface PredictOptions extends EngineOptions, GivenSettings<typeof PREDICTION_SETTINGS> {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** Files, folders of files, or the bytes of PNG, JPEG or WebP files with a name. */
  readonly images: readonly (string | PictureBytes)[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [
  ...ENGINE_KEYS,
  ...namesOf(PREDICTION_SETTINGS),
  ...['checkpoint', 'images', 'signal', 'onProgress', 'onNotice'],
];

/**
 * An image that cannot be read has a `problem` in the place of `classes`; the others are answered.
 * @throws LockstepError, always; E_STOPPED if `signal` is aborted
 */
export function predict(options: PredictOptions): Promise<PredictionOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    const { checkpoint, images, onNotice, onProgress } = options;
    checkPath('checkpoint', checkpoint);
    checkImages(images);
    return predictImages({
      ...readSettings({ ...ENGINE_SETTINGS, ...PREDICTION_SETTINGS }, options),
      ...{ checkpoint, images, onProgress },
      cacheFolder: options.cacheDir,
      isWorkersGiven: options.workers !== undefined,
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => onNotice?.(inProgram(message)),
    });
  });
}

/** @throws LockstepError E_OPTION */
function checkImages(images: unknown): void {
  const isImage = (image: unknown): boolean =>
    (typeof image === 'string' && image !== '') ||
    (isRecord(image) && typeof image['name'] === 'string' && image['bytes'] instanceof Uint8Array);
  if (Array.isArray(images) && images.length > 0 && images.every(isImage)) return;
  throw new LockstepError(
    'E_OPTION',
    'images must be a list of paths, or of { name, bytes }; for example ["cat.png"]',
  );
}
