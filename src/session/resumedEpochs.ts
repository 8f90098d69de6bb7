/** Whether a resumed run can have the epochs that are asked for: known only once its data are, which make the steps of an epoch. */

import { totalStepsOf } from '../coordinator/index.js';
import { OptionError } from '../foundation/options/optionError.js';
import { completeRun } from './resume.js';
import type { ResumedRun } from './resume.js';

type Epochs = Pick<ResumedRun, 'folder' | 'recipe' | 'checkpoint' | 'hasEnded'>;

/**
 * Judges by steps: a fraction of an epoch ends after the nearest whole step.
 * @throws LockstepError E_RUN_COMPLETE if the run has ended and has these steps already; E_OPTION if it would have to go on
 *   behind an epoch that was cut short
 */
export function checkResumedEpochs(resumed: Epochs, stepsPerEpoch: number): void {
  const { folder, recipe, checkpoint, hasEnded } = resumed;
  const { epochs } = recipe;
  const { step, epoch, stepInEpoch } = checkpoint.progress;
  if (epochs === checkpoint.recipe.epochs) return;
  if (step >= totalStepsOf({ epochs, stepsPerEpoch })) {
    if (hasEnded) throw completeRun(folder.folder, checkpoint.progress, 'epochs');
    return; // it ends at once
  }
  // The samples that were left out would be missing: the run would be another than one of so many epochs from its start.
  const wasCut = stepInEpoch === 0 && step < epoch * stepsPerEpoch;
  if (!wasCut) return;
  throw new OptionError(
    [
      { option: 'epochs', value: epochs },
      ` would go on with the run in ${folder.folder}, which ended in the middle of epoch ${epoch}`,
    ],
    [
      { kind: 'leave-out', option: 'epochs' },
      { kind: 'advice', sentence: ['start a new run'] },
    ],
  );
}
