/** Checks a training before it begins. Nothing is trained that is kept, and no run folder is made. */

import { chosenChecks, runChecks } from '../../check/index.js';
import type { CheckRequest, Finding, Subject } from '../../check/index.js';
import { LockstepError } from '../../foundation/errors.js';
import type { TrainingOptions } from '../trainingOptions.js';
import { refuseFilled } from '../emptyFolder.js';
import { saveContactSheets } from './contactSheet.js';
import { prepareSubject } from './prepareSubject.js';
import type { PreparationContext } from './prepareSubject.js';

export interface CheckOptions extends Omit<CheckRequest, 'signal'> {
  readonly training: TrainingOptions;
  /** Whether the test set may be opened, too. */
  readonly test: boolean;
  /** A new or an empty folder for pictures of what the network gets. */
  readonly save?: string | undefined;
  /** Told of what is checked, before the first check. */
  readonly onSubject?: ((subject: Subject) => void) | undefined;
}

export interface CheckOutcome {
  readonly findings: readonly Finding[];
  readonly passed: number;
  readonly warned: number;
  readonly failed: number;
  readonly leftOut: number;
  readonly seconds: number;
  /** The pictures that were saved. */
  readonly saved: readonly string[];
}

/** @throws LockstepError, among others E_STOPPED if the signal came first */
export async function checkTraining(
  options: CheckOptions,
  context: PreparationContext,
): Promise<CheckOutcome> {
  const startedMs = performance.now();
  const { training, test, save, onSubject, ...request } = options;
  const { signal } = context;
  chosenChecks(request); // a name that none has is refused before anything is read or shown
  if (save !== undefined) refuseFilled(save, 'images are saved');
  try {
    signal.throwIfAborted();
    const subject = await prepareSubject(training, test, context);
    onSubject?.(subject);
    const saved = save === undefined ? [] : await saveContactSheets(save, subject);
    const findings = await runChecks(subject, { ...request, signal });
    const countOf = (verdict: Finding['verdict']): number =>
      findings.filter((finding) => finding.verdict === verdict).length;
    return {
      findings,
      passed: countOf('pass'),
      warned: countOf('warn'),
      failed: countOf('fail'),
      leftOut: countOf('left-out'),
      seconds: (performance.now() - startedMs) / 1000,
      saved,
    };
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new LockstepError('E_STOPPED', 'the check was stopped', { cause: error });
  }
}
