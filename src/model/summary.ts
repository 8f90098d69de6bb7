/** What a network costs, layer by layer: nothing is computed with it. */

import { multiplicationsOf, parametersOf } from './layerKinds.js';
import { IMAGES } from './layers.js';
import type { ActivationShape, Layer } from './layers.js';
import { elementCount } from './layout.js';
import { IMAGES_NAME } from './model.js';
import type { Model } from './model.js';

export interface LayerSummary {
  readonly name: string;
  readonly kind: Layer['kind'];
  /** Names of the layers that it reads. */
  readonly reads: readonly string[];
  readonly outputShape: ActivationShape;
  readonly parameters: number;
  /** Of one image's forward pass. */
  readonly multiplications: number;
}

export interface NetworkSummary {
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  readonly statistics: number;
  readonly multiplications: number;
  /** Elements of all layers' outputs, for one image. */
  readonly activations: number;
}

/** Bytes; everything is float32. */
export interface TrainingMemory {
  readonly parameters: number;
  readonly gradients: number;
  /** The output of every layer for every image of the micro-batch. */
  readonly activations: number;
  readonly total: number;
}

const FLOAT_BYTES = Float32Array.BYTES_PER_ELEMENT;

export function summarise({ layers, layout }: Model): NetworkSummary {
  const nameOf = (index: number): string => (index === IMAGES ? IMAGES_NAME : layers[index]!.name);
  const summaries = layers.map((layer) => ({
    name: layer.name,
    kind: layer.kind,
    reads: [layer.input, ...(layer.kind === 'add' ? [layer.other] : [])].map(nameOf),
    outputShape: layer.outputShape,
    parameters: parametersOf(layer),
    multiplications: multiplicationsOf(layer),
  }));
  const sum = (of: (layer: LayerSummary) => number): number =>
    summaries.reduce((total, layer) => total + of(layer), 0);
  return {
    layers: summaries,
    parameters: layout.parameterCount,
    statistics: layout.statisticCount,
    multiplications: sum(({ multiplications }) => multiplications),
    activations: sum(({ outputShape: { height, width, channels } }) =>
      elementCount([height, width, channels]),
    ),
  };
}

/** What one worker needs at least: an engine keeps more, for it works in other orders, or less, for it joins layers. */
export function trainingMemory(
  { parameters, activations }: NetworkSummary,
  microBatch: number,
): TrainingMemory {
  const vector = FLOAT_BYTES * parameters;
  const outputs = FLOAT_BYTES * activations * microBatch;
  return { parameters: vector, gradients: vector, activations: outputs, total: 2 * vector + outputs };
}
