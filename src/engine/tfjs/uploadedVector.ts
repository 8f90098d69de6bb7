/** A flat vector on the device, cut into its tensors; uploaded again only when its version changes. */

import { invariant } from '../../foundation/errors.js';
import type { TensorSpec } from '../../model/index.js';
import type { Tensor, TensorFlow } from './backend.js';

/** Owns the tensors, until the next version or `dispose`. */
export class UploadedVector {
  private readonly tensors = new Map<number, Tensor>();
  private version: number | undefined;

  constructor(
    private readonly tf: TensorFlow,
    private readonly specs: readonly TensorSpec[],
  ) {}

  /** Call outside of any `tf.tidy`. @param values the whole vector; read before this returns */
  update(values: Float32Array, version: number): void {
    if (this.version === version) return;
    this.dispose();
    const flat = this.tf.tensor1d(values.slice()); // the backend may keep the array, and it is the caller's
    for (const spec of this.specs) {
      const part = this.tf.slice(flat, spec.offset, spec.length);
      this.tensors.set(spec.offset, this.tf.reshape(part, [...spec.shape]));
      part.dispose();
    }
    flat.dispose();
    this.version = version;
  }

  tensorOf(spec: TensorSpec): Tensor {
    const tensor = this.tensors.get(spec.offset);
    invariant(tensor !== undefined, `tensor ${spec.name} was read before it was uploaded`);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.tensors.values()) tensor.dispose();
    this.tensors.clear();
    this.version = undefined;
  }
}
