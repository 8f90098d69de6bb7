/** The options that say how files become images: part of the recipe, and of the commands that look at data. */

import { BAD_IMAGE_CHOICES, CHANNEL_CHOICES, USUAL_READING } from '../../data/index.js';
import { flag, integer, oneOf } from '../../foundation/options/definition.js';

const FOLDER_ONLY = { option: 'dataset', is: ['folder'] } as const;

export const READING_OPTIONS = {
  coarseLabels: flag({
    group: 'Data',
    default: USUAL_READING.coarseLabels,
    inOlderFiles: false,
    help: 'cifar100: learn the 20 superclasses',
    onlyWith: { option: 'dataset', is: ['cifar100'] },
  }),
  imageSize: integer({
    group: 'Data',
    placeholder: 'pixels',
    min: 8,
    max: 224,
    default: USUAL_READING.imageSize,
    inOlderFiles: 32,
    help: 'folder: height and width of the images; pictures of other sizes are cut to a square and resized',
    example: '64',
    onlyWith: FOLDER_ONLY,
  }),
  channels: oneOf({
    group: 'Data',
    placeholder: 'which',
    of: CHANNEL_CHOICES,
    default: USUAL_READING.channels,
    inOlderFiles: 'colour',
    help: 'folder: colour (three channels) or grey (one)',
    example: 'grey',
    onlyWith: FOLDER_ONLY,
  }),
  badImages: oneOf({
    group: 'Data',
    placeholder: 'what',
    of: BAD_IMAGE_CHOICES,
    default: USUAL_READING.badImages,
    inOlderFiles: 'refuse',
    help: 'folder: what becomes of pictures that cannot be used: refuse the run, or skip them',
    example: 'skip',
    onlyWith: FOLDER_ONLY,
  }),
};
