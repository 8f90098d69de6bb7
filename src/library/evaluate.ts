/** `evaluate`: how good a checkpoint is on the test set. */

import { LockstepError } from '../foundation/errors.js';
import { variant } from '../foundation/options/definition.js';
import { ENGINE_SETTINGS, evaluateCheckpoint, EVALUATION_SETTINGS } from '../session/index.js';
import type { EvaluationOutcome } from '../session/index.js';
import { checkPath, refuseUnknown } from './checks.js';
import { openData } from './data.js';
import type { DataSource, OwnData } from './data.js';
import { asLibraryErrors } from './errors.js';
import { ENGINE_KEYS } from './options.js';
import type { EngineOptions } from './options.js';
import { namesOf, readSettings } from './settings.js';
import type { GivenSettings } from './settings.js';
import { inProgram } from './words.js';

/** Unlike the command line, a program is told the outcome and may keep it. */
export const EVALUATE_SETTINGS = {
  ...EVALUATION_SETTINGS,
  save: variant(EVALUATION_SETTINGS.save, {
    default: false,
    help: 'keep the evaluation in the run folder, where ui and report find it',
  }),
};

/**
 * What has no description here has one among [the options](../../docs/library-options.md).
 */
export interface EvaluateOptions extends EngineOptions, GivenSettings<typeof EVALUATE_SETTINGS> {
  /** A checkpoint file, or a run folder: then its best weights, else its last. */
  readonly checkpoint: string;
  /** The data that the run was trained on; needed unless they are synthetic or CIFAR-10. */
  readonly data?: DataSource | OwnData | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onNotice?: ((message: string) => void) | undefined;
}

const KEYS = [...ENGINE_KEYS, ...namesOf(EVALUATE_SETTINGS), ...['checkpoint', 'data', 'signal', 'onNotice']];

/** @throws LockstepError, always; E_STOPPED if `signal` is aborted */
export function evaluate(options: EvaluateOptions): Promise<EvaluationOutcome> {
  return asLibraryErrors(() => {
    refuseUnknown(options, KEYS);
    const { checkpoint, onNotice } = options;
    checkPath('checkpoint', checkpoint);
    const settings = readSettings({ ...ENGINE_SETTINGS, ...EVALUATE_SETTINGS }, options);
    refuseTwoPlaces(options);
    return evaluateCheckpoint({
      ...settings,
      cacheFolder: options.cacheDir,
      checkpoint,
      dataDir: options.dataDir, // none: that of the run
      data: options.data && openData(options.data),
      isWorkersGiven: options.workers !== undefined,
      signal: options.signal ?? new AbortController().signal,
      onNotice: (message) => onNotice?.(inProgram(message)),
    });
  });
}

/** Data of a program are read already, or say themselves where they lie. */
function refuseTwoPlaces({ data, dataDir }: EvaluateOptions): void {
  if (!data || dataDir === undefined) return;
  throw new LockstepError(
    'E_OPTION',
    `dataDir ${dataDir} has no effect, as data are given too; leave one of them out`,
  );
}
