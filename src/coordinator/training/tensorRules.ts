/** What the optimizer does differently for some tensors of a network: frozen ones, and other momenta of statistics. */

import { tensorView } from '../../model/index.js';
import type { Model, TensorSpec } from '../../model/index.js';

export interface TensorRules {
  /** Left alone, weight decay included. */
  readonly frozen: readonly TensorSpec[];
  /** Running statistics that have a momentum of their own. */
  readonly momenta: readonly { readonly spec: TensorSpec; readonly momentum: number }[];
}

export const NO_RULES: TensorRules = { frozen: [], momenta: [] };

export function tensorRulesOf({ layers, layout }: Pick<Model, 'layers' | 'layout'>): TensorRules {
  const momenta = layers.flatMap((layer) => {
    if (layer.kind !== 'batch-normalisation' || layer.momentum === undefined) return [];
    const { momentum, runningMean, runningVariance } = layer;
    return [runningMean, runningVariance].map((spec) => ({ spec, momentum }));
  });
  return { frozen: layout.parameters.filter(({ frozen }) => frozen), momenta };
}

/** Runs `update`, and puts the frozen tensors of these vectors back as they were. */
export function keepingFrozen(
  vectors: readonly Float32Array[],
  { frozen }: TensorRules,
  update: () => void,
): void {
  const held = vectors.flatMap((vector) =>
    frozen.map((spec) => ({ view: tensorView(vector, spec), values: tensorView(vector, spec).slice() })),
  );
  update();
  for (const { view, values } of held) view.set(values);
}
