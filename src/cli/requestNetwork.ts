/** From what `--model` says to a network: a preset's name or a JSON file. */

import { checkNetworkFitsData } from '../coordinator/index.js';
import type { ImageFormat } from '../data/index.js';
import { LockstepError } from '../foundation/errors.js';
import { buildModel, isPresetName, networkFromFile, withClassNames } from '../model/index.js';
import type { Model } from '../model/index.js';
import { readTextFile } from './options/readTextFile.js';

export interface RequestedNetwork {
  /** Without a data set: a preset is made for images and classes like those of CIFAR-10. */
  readonly model: Model;
  /**
   * For a data set: a preset takes its images and classes, a file must fit it.
   * @throws LockstepError E_MODEL if it does not
   */
  readonly forData: (dataset: string, format: ImageFormat) => Model;
}

/**
 * @param given the name of a preset, or the name of a file
 * @throws LockstepError E_OPTION if the file cannot be read or a dropout rate is given beside it, E_MODEL for what it holds
 */
export function requestNetwork(given: string, dropout: number): RequestedNetwork {
  if (isPresetName(given)) {
    return {
      model: buildModel(given, dropout),
      forData: (_, { imageShape: inputShape, classNames }) =>
        buildModel(given, dropout, { inputShape, classNames }),
    };
  }
  if (dropout > 0) {
    throw new LockstepError(
      'E_OPTION',
      `--dropout ${dropout} is for named networks, and ${given} has its own layers; put a dropout layer into it, or leave --dropout out`,
    );
  }
  const { model, hasClassNames } = networkFromFile(readTextFile('--model', given), given);
  return {
    model,
    forData: (dataset, format) => {
      const isNumbered = !hasClassNames && model.classCount === format.classNames.length;
      const named = isNumbered ? withClassNames(model, format.classNames) : model;
      checkNetworkFitsData(named, dataset, format);
      return named;
    },
  };
}
