/**
 * Other frameworks tell a map of 1x1 pixels from a vector; Lockstep does not. Here each layer's output is one of both, by
 * one rule for all formats: global pooling and dense layers make vectors, and what works element by element keeps them.
 */

import { IMAGES } from '../model/index.js';
import type { Layer } from '../model/index.js';

export type Form = 'map' | 'vector';

/** The forms of all layers' outputs, and of what a layer reads. */
export interface Forms {
  readonly outputs: readonly Form[];
  /** What the layer needs its inputs to be. */
  readonly needs: readonly Form[];
}

export function formsOf(layers: readonly Layer[]): Forms {
  const outputs: Form[] = [];
  const needs: Form[] = [];
  const formOf = (index: number): Form => (index === IMAGES ? 'map' : outputs[index]!);
  for (const layer of layers) {
    const [need, output] = formOfLayer(layer, formOf);
    needs.push(need);
    outputs.push(output);
  }
  return { outputs, needs };
}

function formOfLayer(layer: Layer, formOf: (index: number) => Form): readonly [need: Form, output: Form] {
  switch (layer.kind) {
    case 'convolution':
    case 'max-pool':
    case 'average-pool':
    case 'shortcut':
      return ['map', 'map'];
    case 'global-average-pool':
      return ['map', 'vector'];
    case 'dense':
      return ['vector', 'vector'];
    case 'add': {
      const isMap = formOf(layer.input) === 'map' && formOf(layer.other) === 'map';
      const form = isMap ? 'map' : 'vector';
      return [form, form];
    }
    case 'batch-normalisation':
    case 'relu':
    case 'gelu':
    case 'silu':
    case 'celu':
    case 'scale':
    case 'dropout': {
      const form = formOf(layer.input);
      return [form, form];
    }
  }
}

/** The layers that a layer reads, in order. */
export function inputsOf(layer: Layer): readonly number[] {
  return layer.kind === 'add' ? [layer.input, layer.other] : [layer.input];
}
