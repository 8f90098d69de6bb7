/** The weights that a run begins with: a pure function of the seed, and of the training images for layers that start from them. */

import { whiteningFilters } from '../../data/index.js';
import type { ImageSet, Normalisation } from '../../data/index.js';
import { initialiseModel, tensorView } from '../../model/index.js';
import type { Model, ModelState, TensorSpec } from '../../model/index.js';

export interface TrainingImages {
  readonly set: ImageSet;
  /** The training part of the split. */
  readonly indices: Uint32Array;
  readonly normalisation: Normalisation;
}

/** @param images undefined: layers that start from images start as `dirac` */
export function startingState(model: Model, seed: number, images: TrainingImages | undefined): ModelState {
  const state = initialiseModel(model, seed);
  if (images === undefined) return state;
  for (const layer of model.layers) {
    if (layer.kind !== 'convolution') continue;
    const { kernelSize, weight, outputShape } = layer;
    if (weight.initial?.kind !== 'whitening') continue;
    const filters = whiteningFilters({
      ...images,
      kernelSize,
      filterCount: outputShape.channels,
      epsilon: weight.initial.epsilon,
    });
    tensorView(state.parameters, weight).set(filters);
  }
  return state;
}

/** The values of tensors by the names of the layout, in its own order. */
export type InitialTensors = ReadonlyMap<string, Float32Array>;

/** The tensors that are given replace those that the state has. */
export function overwrite(
  { parameters, statistics }: ModelState,
  { layout }: Pick<Model, 'layout'>,
  initial: InitialTensors,
): void {
  const write = (vector: Float32Array, specs: readonly TensorSpec[]): void => {
    for (const spec of specs) {
      const values = initial.get(spec.name);
      if (values) tensorView(vector, spec).set(values);
    }
  };
  write(parameters, layout.parameters);
  write(statistics, layout.statistics);
}
