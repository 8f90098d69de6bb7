/** Whether a network, the data set and the recipe fit each other: found out before anything is started. */

import { imageByteCount } from '../../data/index.js';
import type { ImageFormat } from '../../data/index.js';
import { LockstepError } from '../../foundation/errors.js';
import { advice, OptionError, use } from '../../foundation/options/optionError.js';
import { networkFault, shapeText } from '../../model/index.js';
import type { Model } from '../../model/index.js';
import { LARGEST_ITEM_BYTES } from '../../protocol/index.js';
import { EVALUATION_CHUNK } from './recipe.js';
import type { Recipe } from './recipe.js';

/**
 * @param dataset its name, for messages
 * @throws LockstepError E_MODEL if the network has another image shape or other classes
 */
export function checkNetworkFitsData(
  model: Model,
  dataset: string,
  { imageShape, classNames }: ImageFormat,
): void {
  const refuse = (what: string): never => {
    throw networkFault(model.name, what);
  };
  if (shapeText(model.inputShape) !== shapeText(imageShape)) {
    refuse(
      `it takes images of ${shapeText(model.inputShape)} (height x width x channels), and those of ${dataset} are ${shapeText(imageShape)}; change its inputShape, or use other data`,
    );
  }
  if (model.classCount !== classNames.length) {
    refuse(
      `it has ${model.classCount} classes, and ${dataset} has ${classNames.length}; change its classNames and its last layer, or use other data`,
    );
  }
  const other = model.classNames.findIndex((name, label) => name !== classNames[label]);
  if (other < 0) return;
  refuse(
    `it calls class ${other} ${JSON.stringify(model.classNames[other])}, and ${dataset} calls it ${JSON.stringify(classNames[other])}; change its classNames, or write "classCount": ${model.classCount} in their place to use those of the data`,
  );
}

/** @throws LockstepError E_OPTION for a recipe that is not for images of this shape */
export function checkRecipeFitsImages(
  {
    augment,
    cropPadding,
    cutout,
    microBatch,
  }: Pick<Recipe, 'augment' | 'cropPadding' | 'cutout' | 'microBatch'>,
  { imageShape }: ImageFormat,
): void {
  const most = largestCropPadding(imageShape);
  if (augment && cropPadding > most) {
    throw new OptionError(
      [
        { option: 'cropPadding', value: cropPadding },
        ` must be at most ${most}, half of the smaller side of ${shapeText(imageShape)} images`,
      ],
      [use('cropPadding', most)],
    );
  }
  const side = Math.min(imageShape.height, imageShape.width);
  if (augment && cutout > side) {
    throw new OptionError(
      [
        { option: 'cutout', value: cutout },
        ` must be at most ${side}, the smaller side of ${shapeText(imageShape)} images`,
      ],
      [use('cutout', Math.ceil(side / 4))],
    );
  }
  const imageBytes = imageByteCount(imageShape);
  const mostSamples = Math.floor(LARGEST_ITEM_BYTES / imageBytes);
  if (mostSamples < EVALUATION_CHUNK) {
    throw new LockstepError(
      'E_OPTION',
      `images of ${imageBytes} bytes are too large: at most ${Math.floor(LARGEST_ITEM_BYTES / EVALUATION_CHUNK)} bytes; use smaller ones`,
    );
  }
  if (microBatch <= mostSamples) return;
  throw new OptionError(
    [
      { option: 'microBatch', value: microBatch },
      ` must be at most ${mostSamples}: more images of ${imageBytes} bytes do not fit one message`,
    ],
    [use('microBatch', mostSamples)],
  );
}

/**
 * @param trainingCount samples of the training part of the split
 * @throws LockstepError E_OPTION if an epoch would have no step
 */
export function checkRecipeFitsSamples({ batchSize, dropLast }: Recipe, trainingCount: number): void {
  if (!dropLast || batchSize <= trainingCount) return;
  throw new OptionError(
    [
      { option: 'dropLast', value: true },
      ` leaves out all ${trainingCount} training samples: they do not fill one batch of `,
      { option: 'batchSize', value: batchSize },
    ],
    [use('dropLast', false), advice('use a smaller ', { option: 'batchSize' })],
  );
}

/** So that the centre of an image is in every crop. */
export function largestCropPadding({ height, width }: ImageFormat['imageShape']): number {
  return Math.floor(Math.min(height, width) / 2);
}
