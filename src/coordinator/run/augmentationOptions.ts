/** What training makes of each image before a network sees it: a part of the recipe's options. */

import { flag, integer, number, oneOf } from '../../foundation/options/definition.js';
import { BORDERS } from '../../data/index.js';
import { LARGEST_CROP_PADDING, LARGEST_CUTOUT, LARGEST_MIXUP } from '../../protocol/index.js';

export const AUGMENTATION_OPTIONS = {
  augment: flag({ group: 'Data', default: true, help: 'train without random crops and flips' }),
  cropPadding: integer({
    group: 'Data',
    placeholder: 'pixels',
    min: 0,
    max: LARGEST_CROP_PADDING,
    default: 4,
    inOlderFiles: 4,
    help: 'width of the border that random crops may include; 0: flips only',
    example: '2',
    onlyWith: { option: 'augment', is: [true] },
  }),
  border: oneOf({
    group: 'Data',
    of: BORDERS,
    default: 'zero',
    inOlderFiles: 'zero',
    help: 'what the border of crops holds: zero (the mean colour), or the reflection of the image',
    example: 'reflect',
    onlyWith: { option: 'augment', is: [true] },
  }),
  flip: oneOf({
    group: 'Data',
    of: ['random', 'alternating'],
    default: 'random',
    inOlderFiles: 'random',
    help: 'which samples are mirrored: drawn anew each epoch, or each sample in every second epoch',
    example: 'alternating',
    onlyWith: { option: 'augment', is: [true] },
  }),
  cutout: integer({
    group: 'Data',
    placeholder: 'pixels',
    min: 0,
    max: LARGEST_CUTOUT,
    default: 0,
    inOlderFiles: 0,
    help: 'side of a random square in each training image that is set to the mean colour; 0: none',
    example: '8',
    onlyWith: { option: 'augment', is: [true] },
  }),
  colourJitter: number({
    group: 'Data',
    placeholder: 'strength',
    min: 0,
    below: 1,
    default: 0,
    inOlderFiles: 0,
    help: 'change brightness, contrast and saturation of each training image by random factors from 1 - strength to 1 + strength; 0: not at all',
    example: '0.2',
    onlyWith: { option: 'augment', is: [true] },
  }),
  mixup: number({
    group: 'Data',
    placeholder: 'alpha',
    min: 0,
    below: LARGEST_MIXUP,
    default: 0,
    inOlderFiles: 0,
    help: 'mix the training images of each micro-batch in pairs, with their labels, in a share from Beta(alpha, alpha); 0: not at all',
    example: '0.2',
    onlyWith: { option: 'augment', is: [true] },
  }),
};
