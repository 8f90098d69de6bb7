/** A flat vector on the device, cut into its tensors; uploaded again only when its version changes. */

import { invariant } from '../../foundation/errors.js';
import type { TensorSpec } from '../../model/index.js';
import type { Tensor, TensorFlow } from './backend.js';

/** Its specs follow one another from offset 0, and cover the vector. Owns the tensors, until the next version or `dispose`. */
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
    if (this.specs.length > 0) this.upload(values); // a model without batch normalisation has no statistics
    this.version = version;
  }

  private upload(values: Float32Array): void {
    const flat = this.tf.tensor1d(values.slice()); // the backend may keep the array, which belongs to the caller
    const lengths = this.specs.map(({ length }) => length);
    const parts = this.tf.split(flat, lengths); // one operation if the backend can, else one slice per tensor
    flat.dispose();
    this.specs.forEach(({ offset, shape }, index) => {
      const part = parts[index]!;
      this.tensors.set(offset, shape.length === 1 ? part : this.tf.reshape(part, [...shape]));
      if (shape.length !== 1) part.dispose();
    });
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
