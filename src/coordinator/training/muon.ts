/**
 * Muon (Keller Jordan, 2024): momentum whose direction, as a matrix of filters and their inputs, is made orthogonal. For the
 * weights of convolutions; everything else is trained by SGD.
 */

import { tensorView } from '../../model/index.js';
import type { Layer, TensorSpec } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { frobeniusNorm, orthogonalise } from '../vectors/orthogonalise.js';

/** The weights of a convolution. */
export interface FilterMatrix {
  readonly spec: TensorSpec; // (kernel height, kernel width, inputs, filters)
  /**
   * Batch normalisation follows, which takes the size of the weights out again: they are scaled to norm sqrt(filters)
   * before each step, as in airbench94_muon, instead of decaying.
   */
  readonly isNormalised: boolean;
}

export interface MuonStep {
  readonly lr: number;
  readonly momentum: number;
  /** Relative to the rate, of the weights that are not normalised. */
  readonly weightDecay: number;
}

/** The convolutions that Muon trains: all that are not frozen. */
export function filterMatrices(layers: readonly Layer[]): readonly FilterMatrix[] {
  const isNormalisedAt = (index: number): boolean => {
    const readers = [...layers.entries()].filter(([, layer]) => readsFrom(layer, index));
    // Pooling keeps a factor as it is.
    return (
      readers.length > 0 &&
      readers.every(
        ([at, { kind }]) => kind === 'batch-normalisation' || (isPool(kind) && isNormalisedAt(at)),
      )
    );
  };
  return layers.flatMap((layer, index) =>
    layer.kind === 'convolution' && !layer.weight.frozen
      ? [{ spec: layer.weight, isNormalised: !layer.bias && isNormalisedAt(index) }]
      : [],
  );
}

const isPool = (kind: Layer['kind']): boolean => kind === 'max-pool' || kind === 'average-pool';

function readsFrom(layer: Layer, index: number): boolean {
  return layer.input === index || ('other' in layer && layer.other === index);
}

/**
 * With g the mean gradient: velocity = momentum velocity + g; weights -= lr s orthogonal(g + momentum velocity), where s is
 * sqrt(max(1, filters / inputs)) for weights that are not normalised. In place.
 * @param parameters, velocity (parameterCount)
 */
export function applyMuon(
  parameters: Float32Array,
  velocity: Float32Array,
  { gradientSum, sampleCount }: GradientLeaf,
  { spec, isNormalised }: FilterMatrix,
  { lr, momentum, weightDecay }: MuonStep,
): void {
  const [weights, moving, sums] = [parameters, velocity, gradientSum].map((vector) =>
    tensorView(vector, spec),
  ) as [Float32Array, Float32Array, Float32Array];
  const filters = spec.shape.at(-1)!;
  const inputs = weights.length / filters;
  const direction = nesterovDirection(moving, sums, { sampleCount, momentum });
  // No gradient at all has no direction.
  const step = direction.some((value) => value !== 0) ? orthogonalise(direction, inputs, filters) : direction;
  const norm = frobeniusNorm(weights);
  const kept = !isNormalised ? 1 - lr * weightDecay : norm === 0 ? 1 : Math.sqrt(filters) / norm;
  const rate = isNormalised ? lr : lr * Math.sqrt(Math.max(1, filters / inputs));
  for (let index = 0; index < weights.length; index++) {
    weights[index] = kept * weights[index]! - rate * step[index]!;
  }
}

/** Moves the velocity in place. */
function nesterovDirection(
  velocity: Float32Array,
  gradientSum: Float32Array,
  { sampleCount, momentum }: { readonly sampleCount: number; readonly momentum: number },
): Float32Array {
  return velocity.map((before, index) => {
    const gradient = gradientSum[index]! / sampleCount;
    const moved = Math.fround(momentum * before + gradient);
    velocity[index] = moved;
    return gradient + momentum * moved;
  });
}
