/** `evaluate`: how good a checkpoint is on the test set. */

import { ENGINE_SETTINGS, evaluateCheckpoint, EVALUATION_SETTINGS } from '../session/index.js';
import type { EvaluationOutcome } from '../session/index.js';
import { checkPath } from './checks.js';
import { openData } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { asLibraryErrors } from './errors.js';
import { ENGINE_KEYS, refuseUnknown } from './options.js';
import type { EngineOptions } from './options.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';
import { inProgram } from './words.js';

/**
 * Besides what stands here: `dataDir`, `workers`, `evalStatistics`, `tta`, `save` and `saveImages`, as on the command
 * line; but `save`, which keeps the evaluation in the run's folder, is off unless it is given.
 */
export interface EvaluateOptions extends EngineOptions, GivenSettings<typeof EVALUATION_SETTINGS> {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** The data that the run was trained on; needed unless they are synthetic or CIFAR-10. */
  readonly data?: DataSource | OwnData | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [
  ...ENGINE_KEYS,
  ...namesOf(EVALUATION_SETTINGS),
  ...['checkpoint', 'data', 'signal', 'onNotice'],
];

/** @throws LockstepError, always; E_STOPPED if `signal` is aborted */
export function evaluate(options: EvaluateOptions): Promise<EvaluationOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    const { checkpoint, onNotice } = options;
    checkPath('checkpoint', checkpoint);
    return evaluateCheckpoint({
      ...readSettings({ ...ENGINE_SETTINGS, ...EVALUATION_SETTINGS }, options),
      cacheFolder: options.cacheDir,
      checkpoint,
      dataDir: options.dataDir, // none: that of the run
      data: options.data && openData(options.data),
      isWorkersGiven: options.workers !== undefined,
      save: options.save ?? false, // unlike the command line, a program is told the outcome and may keep it
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => onNotice?.(inProgram(message)),
    });
  });
}
