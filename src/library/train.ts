/** `train`: a whole run on threads of this process. */

import { keptCoordinatorSettings, TRAIN_WORKERS } from '../session/index.js';
import { refuseUnknown } from './checks.js';
import { asLibraryErrors } from './errors.js';
import { RUN_KEYS, trainingOptionsOf } from './options.js';
import type { RunOptions } from './options.js';
import { refuseIncomplete, runForProgram } from './session.js';
import type { TrainedRun } from './session.js';

/** See RunOptions; `workers` is one for each core unless it is given. */
export type TrainOptions = RunOptions;

/** Threads of this process attach at once, or never. */
const WAIT_TIMEOUT_MS = 30_000;

/**
 * Trains a network on threads of this process. The weights depend on the recipe and the data, and on nothing else: the
 * same recipe on the command line ends in the same `weightsSha256`.
 *
 * Aborting `signal` saves and stops; the result then has `stoppedBy: 'signal'`, and `resume` continues the run.
 * @throws LockstepError, always; E_STOPPED if `signal` was aborted before training began
 */
export function train(options: TrainOptions): Promise<TrainedRun> {
  return asLibraryErrors(async () => {
    refuseUnknown(options, RUN_KEYS);
    refuseIncomplete(options);
    const { resume } = options;
    return runForProgram(options, {
      training: trainingOptionsOf(options, TRAIN_WORKERS),
      runDir: options.runDir,
      resume,
      test: options.test ?? false,
      minWorkers: 1,
      waitTimeoutMs: WAIT_TIMEOUT_MS,
      coordinatorSettings: resume === undefined ? {} : await keptCoordinatorSettings(resume),
      prepareDoor: undefined,
    });
  });
}
