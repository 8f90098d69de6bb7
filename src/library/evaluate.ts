/** `evaluate`: how good a checkpoint is on the test set. */

import type { Recipe } from '../coordinator/index.js';
import { evaluateCheckpoint, TRAIN_WORKERS } from '../session/index.js';
import type { EvaluationOutcome } from '../session/index.js';
import { defaultThreads } from '../worker/index.js';
import { openData } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { asLibraryErrors } from './errors.js';
import { checkSetting, ENGINE_KEYS, engineSettingsOf, refuseUnknown } from './options.js';
import type { EngineOptions } from './options.js';
import { inProgram } from './words.js';

export interface EvaluateOptions extends EngineOptions {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** The data that the run was trained on; needed unless they are synthetic or CIFAR-10. */
  readonly data?: DataSource | OwnData | undefined;
  /** The folder that holds CIFAR-10; if left out, that of the run, else `data`. */
  readonly dataDir?: string | undefined;
  /** Worker threads; left out: one for each core. */
  readonly workers?: number | undefined;
  /** Batch normalisation by running or batch statistics; left out: as in training. */
  readonly evalStatistics?: Recipe['evalStatistics'] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [
  ...ENGINE_KEYS,
  ...['checkpoint', 'data', 'dataDir', 'workers', 'evalStatistics', 'signal', 'onNotice'],
];

/** @throws LockstepError, always; E_STOPPED if `signal` is aborted */
export function evaluate(options: EvaluateOptions): Promise<EvaluationOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    const { workers, evalStatistics, onNotice } = options;
    if (workers !== undefined) checkSetting('workers', workers, TRAIN_WORKERS.workers);
    if (evalStatistics !== undefined) checkSetting('evalStatistics', evalStatistics);
    return evaluateCheckpoint({
      ...engineSettingsOf(options),
      cacheFolder: options.cacheDir,
      checkpoint: options.checkpoint,
      data: options.data && openData(options.data),
      dataDir: options.dataDir,
      workers: workers ?? defaultThreads(),
      isWorkersGiven: workers !== undefined,
      evalStatistics,
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => onNotice?.(inProgram(message)),
    });
  });
}
