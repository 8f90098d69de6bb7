/** Which images a run trains on and which it validates with. */

import type { Recipe } from '../coordinator/index.js';
import { countLabels, isFileSource, isFixedDataset, labelsOf, splitTrainingSet } from '../data/index.js';
import type { TrainingSplit } from '../data/index.js';
import { printable } from '../foundation/printable.js';
import { leaveOut, OptionError } from '../foundation/options/optionError.js';
import type { Sentence } from '../foundation/options/optionError.js';
import type { OpenedDataset } from './openDataset.js';
import type { TrainingOptions } from './trainingOptions.js';

/** Of data that bring no validation images, where the default would take more. */
const USUAL_SHARE = 0.1;
const LONGEST_NAME_SHOWN = 60;
/** Times as many images as the smallest class has. */
const UNEVEN = 2;

/**
 * How many images are for validation: as many as the data bring, else as many as are asked for, else at most a tenth.
 * @throws OptionError if a number is asked for and the data bring another
 */
export function validationSize(
  { recipe, given }: Pick<TrainingOptions, 'recipe' | 'given'>,
  { name, training, validationCount }: OpenedDataset,
): number {
  if (validationCount !== undefined) {
    if (!given.has('valSize') || recipe.valSize === validationCount) return validationCount;
    throw new OptionError(
      [
        { option: 'valSize', value: recipe.valSize },
        ` contradicts the data, which bring ${validationCount} validation images`,
      ],
      [leaveOut('valSize')],
    );
  }
  if (given.has('valSize') || (isFixedDataset(name) && !isFileSource(name))) return recipe.valSize;
  return Math.min(recipe.valSize, Math.floor(training.sampleCount * USUAL_SHARE));
}

/** The validation images that the data bring, else those that the seed chooses. */
export function splitOf(recipe: Recipe, { training, validationCount = 0 }: OpenedDataset): TrainingSplit {
  const seeded = splitTrainingSet({
    sampleCount: training.sampleCount - validationCount,
    validationSize: validationCount > 0 ? 0 : recipe.valSize,
    seed: recipe.seed,
    trainLimit: recipe.trainLimit ?? undefined,
    stratifiedLabels: recipe.stratify && validationCount === 0 ? labelsOf(training) : undefined,
  });
  if (validationCount === 0) return seeded;
  const first = training.sampleCount - validationCount;
  return {
    training: seeded.training,
    validation: Uint32Array.from({ length: validationCount }, (_, index) => first + index),
  };
}

/** Tells of classes of which there are much more images than of others. */
export function tellOfClasses(
  { training, validationCount }: OpenedDataset,
  notice: (message: Sentence) => void,
): void {
  const counts = countLabels(labelsOf(training), training.classNames.length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  if (most < UNEVEN * least) return;
  const named = (number: number): string =>
    `${number.toLocaleString('en-US')} of ${printable(training.classNames[counts.indexOf(number)]!, LONGEST_NAME_SHOWN)}`;
  notice([
    `the classes are uneven: from ${named(least)} to ${named(most)}. An accuracy may hide how the small ones do`,
    ...(validationCount === undefined
      ? ['; ', { option: 'stratify', value: true }, ' gives each its share of the validation images']
      : []),
  ]);
}
