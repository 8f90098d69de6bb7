/** `evaluate`: how good a checkpoint is on the test set. */

import type { Recipe } from '../coordinator/index.js';
import { evaluateCheckpoint, TRAIN_WORKERS } from '../session/index.js';
import type { EvaluationOutcome } from '../session/index.js';
import { defaultThreads } from '../worker/index.js';
import { openData } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { asLibraryErrors } from './errors.js';
import { checkFolder } from './checks.js';
import { checkSetting, ENGINE_KEYS, engineSettingsOf, refuseUnknown } from './options.js';
import type { EngineOptions } from './options.js';
import { inWordsOfPrograms } from './words.js';

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
  /** Average several views of each image; left out: as in training. */
  readonly tta?: Recipe['tta'] | undefined;
  /** Whether to keep the evaluation in the folder of the run, where the live page and the report find it; left out: no. */
  readonly save?: boolean | undefined;
  /** A new or an empty folder that gets the images of the highest loss as PNG files. */
  readonly saveImages?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [
  ...ENGINE_KEYS,
  ...[
    'checkpoint',
    'data',
    'dataDir',
    'workers',
    'evalStatistics',
    'tta',
    'save',
    'saveImages',
    'signal',
    'onNotice',
  ],
];

/** @throws LockstepError, always; E_STOPPED if `signal` is aborted */
export function evaluate(options: EvaluateOptions): Promise<EvaluationOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    const { workers, evalStatistics, tta, onNotice } = options;
    if (workers !== undefined) checkSetting('workers', workers, TRAIN_WORKERS.workers);
    checkFolder('saveImages', options.saveImages);
    if (evalStatistics !== undefined) checkSetting('evalStatistics', evalStatistics);
    if (tta !== undefined) checkSetting('tta', tta);
    return evaluateCheckpoint({
      ...engineSettingsOf(options),
      cacheFolder: options.cacheDir,
      checkpoint: options.checkpoint,
      data: options.data && openData(options.data),
      dataDir: options.dataDir,
      workers: workers ?? defaultThreads(),
      isWorkersGiven: workers !== undefined,
      evalStatistics,
      tta,
      save: options.save ?? false,
      saveImages: options.saveImages,
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => onNotice?.(inWordsOfPrograms(message)),
    });
  });
}
