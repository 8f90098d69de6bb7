/** Networks made from that of a run, to compare it with. */

import { LockstepError } from '../foundation/errors.js';
import { networkFrom } from '../model/index.js';
import type { LayerDescription, Model, NetworkDescription } from '../model/index.js';

/** The same network if it has no dropout. Tensors and their places stay as they are. */
export function withoutDropout(model: Model): Model {
  const { description } = model;
  const inputs = new Map<string, string>();
  for (const layer of description.layers) {
    if (layer.kind === 'dropout') inputs.set(layer.name, inputs.get(layer.input) ?? layer.input);
  }
  if (inputs.size === 0) return model;
  const read = (name: string): string => inputs.get(name) ?? name;
  const layers = description.layers
    .filter(({ kind }) => kind !== 'dropout')
    .map((layer): LayerDescription => ({
      ...layer,
      input: read(layer.input),
      ...(layer.kind === 'add' && { other: read(layer.other) }),
    }));
  return networkFrom({ ...description, layers }, model.name);
}

/** The network with half the channels in every layer but the last; undefined if that makes none. */
export function halved(model: Model): Model | undefined {
  const last = model.description.layers.length - 1;
  const layers = model.description.layers.map((layer, index) =>
    'channels' in layer && index < last && layer.channels > 1
      ? { ...layer, channels: Math.floor(layer.channels / 2) }
      : layer,
  );
  const description: NetworkDescription = { ...model.description, layers };
  try {
    const half = networkFrom(description, model.name);
    return half.layout.parameterCount < model.layout.parameterCount ? half : undefined;
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'E_MODEL') return undefined;
    throw error;
  }
}
