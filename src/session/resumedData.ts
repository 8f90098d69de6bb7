/** Whether the data of a resumed run are those that it began with. */

import type { Checkpoint } from '../coordinator/index.js';
import { differencesOf } from '../data/index.js';
import type { Normalisation, SampleDigests } from '../data/index.js';
import type { LockstepError } from '../foundation/errors.js';
import { advice, OptionError } from '../foundation/options/optionError.js';

export interface PresentData {
  readonly normalisation: Normalisation;
  readonly samples: SampleDigests;
}

/**
 * @returns notices for the user
 * @throws LockstepError E_CHECKPOINT if the data differ, naming the part
 */
export function checkSameData(
  checkpoint: Pick<Checkpoint, 'normalisation' | 'samples'>,
  { normalisation, samples }: PresentData,
): readonly string[] {
  if (checkpoint.samples !== undefined) {
    const differences = differencesOf(checkpoint.samples, samples);
    if (differences.length > 0) throw otherData(differences.join(', '));
    return [];
  }
  if (JSON.stringify(checkpoint.normalisation) !== JSON.stringify(normalisation)) {
    throw otherData('mean or deviation of the training images');
  }
  return [
    'the checkpoint is of an older version, which stored no digest of the data: only mean and deviation of the ' +
      'training images were compared. From now on this run stores the digest',
  ];
}

function otherData(differences: string): LockstepError {
  return new OptionError(
    [`the data are not those that this run began with (different: ${differences})`],
    [advice('give the same with ', { option: 'dataDir' })],
    'E_CHECKPOINT',
  );
}
