/** One pass of one micro-batch through the network: what forward and backward share. */

import type { TensorContainer } from '@tensorflow/tfjs-core';
import { invariant } from '../../foundation/errors.js';
import type { RandomKey } from '../../foundation/random.js';
import { IMAGES } from '../../model/index.js';
import type { Model, TensorSpec } from '../../model/index.js';
import type { EvaluationStatistics } from '../engine.js';
import type { Operations, Tensor, Tensor4D, TensorFlow } from './backend.js';

export type PassMode =
  | { readonly kind: 'training'; readonly dropoutKey: RandomKey }
  | { readonly kind: 'evaluation'; readonly statistics: EvaluationStatistics };

/** Everything that a pass reads; it owns nothing of it. */
export interface Pass {
  readonly tf: TensorFlow;
  readonly operations: Operations;
  readonly model: Model;
  readonly mode: PassMode;
  readonly images: Tensor4D;
  /** The uploaded tensor of a parameter. */
  readonly parameter: (spec: TensorSpec) => Tensor;
  /** The uploaded tensor of a running statistic. */
  readonly statistic: (spec: TensorSpec) => Tensor;
}

/** `tf.tidy` for results of any type: tensors in the result survive, all others made by `compute` are freed. */
export function scoped<Result>(tf: TensorFlow, compute: () => Result): Result {
  return tf.tidy(compute as unknown as () => TensorContainer) as unknown as Result;
}

/** The activations of a pass, or their gradients, by layer index. Owns them until they are taken or released. */
export class ActivationStore {
  private readonly tensors = new Map<number, Tensor4D>();

  constructor(private readonly images?: Tensor4D) {}

  get(layerIndex: number): Tensor4D {
    const tensor = layerIndex === IMAGES ? this.images : this.tensors.get(layerIndex);
    invariant(tensor !== undefined, `the activation of layer ${layerIndex} was read after its release`);
    return tensor;
  }

  put(layerIndex: number, tensor: Tensor4D): void {
    this.tensors.set(layerIndex, tensor);
  }

  /** Gives a tensor to the caller, who then owns it; undefined if there is none. */
  take(layerIndex: number): Tensor4D | undefined {
    const tensor = this.tensors.get(layerIndex);
    this.tensors.delete(layerIndex);
    return tensor;
  }

  release(layerIndices: readonly number[]): void {
    for (const index of layerIndices) this.take(index)?.dispose();
  }
}
