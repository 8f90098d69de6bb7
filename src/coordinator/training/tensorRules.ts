/**
 * What the optimizer does differently for some tensors of a network: frozen ones, those with a rate or decay of their own,
 * those that Muon trains, and other momenta of statistics.
 */

import { statisticsNamedBy, tensorView } from '../../model/index.js';
import type { Layer, Model, TensorSpec } from '../../model/index.js';
import { frozenPrefixes, NONE } from '../run/fineTuning.js';
import type { Recipe } from '../run/recipe.js';
import { filterMatrices } from './muon.js';
import type { FilterMatrix } from './muon.js';

export interface TensorRules {
  /** Left alone, weight decay included. */
  readonly frozen: readonly TensorSpec[];
  /** Trained with `lrFactor` times the learning rate and `decayFactor` times the weight decay. */
  readonly rates: readonly TensorRate[];
  /** Trained by Muon instead of SGD. */
  readonly matrices: readonly MuonMatrix[];
  /** Running statistics that have a momentum of their own. */
  readonly momenta: readonly { readonly spec: TensorSpec; readonly momentum: number }[];
  /** Running statistics that stay as they are. */
  readonly frozenStatistics: readonly TensorSpec[];
}

export interface TensorRate {
  readonly spec: TensorSpec;
  readonly lrFactor: number;
  readonly decayFactor: number;
}

export interface MuonMatrix extends FilterMatrix {
  /** Multiplies the schedule's rate. */
  readonly lrFactor: number;
  readonly momentum: number;
}

export const NO_RULES: TensorRules = {
  frozen: [],
  rates: [],
  matrices: [],
  momenta: [],
  frozenStatistics: [],
};

export type RuleOptions = Pick<
  Recipe,
  'shiftLrFactor' | 'decayOn' | 'optimizer' | 'lr' | 'muonLr' | 'muonMomentum'
> &
  Partial<Pick<Recipe, 'freeze'>>;

export function tensorRulesOf(
  { layers, layout }: Pick<Model, 'layers' | 'layout'>,
  recipe: RuleOptions,
): TensorRules {
  const momenta = layers.flatMap((layer) => {
    if (layer.kind !== 'batch-normalisation' || layer.momentum === undefined) return [];
    const { momentum, runningMean, runningVariance } = layer;
    return [runningMean, runningVariance].map((spec) => ({ spec, momentum }));
  });
  const rates = layers.flatMap((layer) => ratesOf(layer, recipe));
  const matrices = recipe.optimizer === 'muon' ? muonMatrices(layers, recipe) : [];
  const frozen = layout.parameters.filter((spec) => spec.frozen);
  const frozenStatistics = statisticsNamedBy(layers, frozenPrefixes(recipe.freeze ?? NONE));
  return { frozen, rates, matrices, momenta, frozenStatistics };
}

/** Their rate follows the same schedule, from a peak of its own. */
function muonMatrices(
  layers: readonly Layer[],
  { lr, muonLr, muonMomentum }: Pick<Recipe, 'lr' | 'muonLr' | 'muonMomentum'>,
): readonly MuonMatrix[] {
  const rule = { lrFactor: muonLr / lr, momentum: muonMomentum };
  return filterMatrices(layers).map((matrix) => ({ ...matrix, ...rule }));
}

/**
 * The tensors of a layer that are trained at other rates. A step of decay is rate times decay, so the shifts' decay is
 * divided by what their rate is multiplied by: they shrink as fast as other tensors.
 */
function ratesOf(
  layer: Layer,
  { shiftLrFactor, decayOn }: Pick<Recipe, 'shiftLrFactor' | 'decayOn'>,
): readonly TensorRate[] {
  const decayFactor = decayOn === 'all' ? 1 : 0;
  const usual = (spec: TensorSpec): TensorRate => ({ spec, lrFactor: 1, decayFactor });
  const rates: TensorRate[] = [];
  if (layer.kind === 'batch-normalisation') {
    const shift = { spec: layer.shift, lrFactor: shiftLrFactor, decayFactor: decayFactor / shiftLrFactor };
    rates.push(usual(layer.scale), shift);
  } else if ((layer.kind === 'convolution' || layer.kind === 'dense') && layer.bias) {
    rates.push(usual(layer.bias));
  }
  return rates.filter(
    ({ spec, ...factors }) => !spec.frozen && (factors.lrFactor !== 1 || factors.decayFactor !== 1),
  );
}

/** Runs `update`, and puts the elements of these tensors back as they were. */
export function keeping(
  vectors: readonly Float32Array[],
  specs: readonly TensorSpec[],
  update: () => void,
): void {
  const held = vectors.flatMap((vector) =>
    specs.map((spec) => ({ view: tensorView(vector, spec), values: tensorView(vector, spec).slice() })),
  );
  update();
  for (const { view, values } of held) view.set(values);
}
