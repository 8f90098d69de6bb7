/** Layers that a recipe does not train, by the beginning of their names. */

import type { LayerDescription } from './layerKinds.js';
import type { Layer, TensorSpec } from './layers.js';
import type { Model } from './model.js';
import { networkFrom } from './networkText.js';

/** `stack1` names a layer of that name, and all whose names begin with `stack1.`; a star stands for any ending. */
export function isNamedBy(name: string, prefix: string): boolean {
  if (prefix.endsWith('*')) return name.startsWith(prefix.slice(0, -1));
  return name === prefix || name.startsWith(`${prefix}.`);
}

/** The same network, in which the tensors of these layers are frozen. */
export function withFrozenLayers(model: Model, prefixes: readonly string[]): Model {
  const layers = model.description.layers.map((layer) =>
    prefixes.some((prefix) => isNamedBy(layer.name, prefix)) ? frozen(layer) : layer,
  );
  return networkFrom({ ...model.description, layers }, model.name);
}

function frozen(layer: LayerDescription): LayerDescription {
  switch (layer.kind) {
    case 'convolution':
      return { ...layer, frozen: layer.bias === true ? ['weight', 'bias'] : ['weight'] };
    case 'dense':
      return { ...layer, frozen: layer.bias === false ? ['weight'] : ['weight', 'bias'] };
    case 'batch-normalisation':
      return { ...layer, frozen: ['scale', 'shift'] };
    default:
      return layer;
  }
}

/** The running statistics of these layers. */
export function statisticsNamedBy(
  layers: readonly Layer[],
  prefixes: readonly string[],
): readonly TensorSpec[] {
  return layers.flatMap((layer) => {
    const isNamed = prefixes.some((prefix) => isNamedBy(layer.name, prefix));
    return isNamed && layer.kind === 'batch-normalisation' ? [layer.runningMean, layer.runningVariance] : [];
  });
}
