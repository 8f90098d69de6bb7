/** What `model` may be: while a run is asked for, and once its network is known. */

import type { TextForm } from '../../foundation/options/kind.js';
import { didYouMean } from '../../foundation/suggest.js';
import { COMMON_PRESETS, networkNameSchema, whyNoPreset } from '../../model/index.js';

/** A preset, or a file that describes a network. */
export const REQUESTED_NETWORK: TextForm = {
  matches: (text) => isFile(text) || whyNoPreset(text) === undefined,
  rule: 'a preset such as resnet20, or a file that ends in .json',
  ruleFor: (text) => {
    const isNearby = /^(?:pre)?resnet\d|^wrn-\d/.test(text); // then the rule names two
    return `${whyNoPreset(text)}; or a file that ends in .json${isNearby ? '' : didYouMean(text, COMMON_PRESETS)}`;
  },
};

/** A label for people: the network itself is stored beside the recipe. Older versions built it from this name. */
export const NETWORK_NAME: TextForm = {
  matches: (text) => networkNameSchema.safeParse(text).success,
  rule: 'the name of a network',
};

function isFile(text: string): boolean {
  return text.toLowerCase().endsWith('.json');
}
