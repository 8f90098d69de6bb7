/** Freezes the layers that a recipe names. */

import { frozenPrefixes } from '../coordinator/index.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import { isNamedBy, withFrozenLayers } from '../model/index.js';
import type { Model } from '../model/index.js';

const MOST_NAMED = 8;

/** @throws OptionError for a name that no layer has, or if nothing would be left to train */
export function freezeLayers(model: Model, freeze: string): Model {
  const prefixes = frozenPrefixes(freeze);
  if (prefixes.length === 0) return model;
  for (const prefix of prefixes) {
    if (model.layers.some(({ name }) => isNamedBy(name, prefix))) continue;
    const names = [...new Set(model.layers.map(({ name }) => name.split('.')[0]!))];
    const some = names.slice(0, MOST_NAMED).join(', ');
    throw new OptionError(
      [{ option: 'freeze', value: freeze }, ` names ${prefix}, which is no layer of ${model.name}`],
      [advice(`use one of ${some}${names.length > MOST_NAMED ? ', …' : ''}, or a longer name of them`)],
    );
  }
  const frozen = withFrozenLayers(model, prefixes);
  if (frozen.layout.parameters.some((spec) => !spec.frozen)) return frozen;
  throw new OptionError(
    [{ option: 'freeze', value: freeze }, ` leaves no tensor of ${model.name} to train`],
    [advice('name fewer layers')],
  );
}
