/** Lays tensors out one after another in the flat vectors of a model. */

import type { Layout, TensorSpec } from './layers.js';

export class LayoutBuilder {
  private readonly parameters: TensorSpec[] = [];
  private readonly statistics: TensorSpec[] = [];
  parameterCount = 0;
  statisticCount = 0;

  parameter(name: string, shape: readonly number[]): TensorSpec {
    const spec = { name, shape, offset: this.parameterCount, length: elementCount(shape) };
    this.parameters.push(spec);
    this.parameterCount += spec.length;
    return spec;
  }

  statistic(name: string, shape: readonly number[]): TensorSpec {
    const spec = { name, shape, offset: this.statisticCount, length: elementCount(shape) };
    this.statistics.push(spec);
    this.statisticCount += spec.length;
    return spec;
  }

  build(): Layout {
    return {
      parameters: this.parameters,
      parameterCount: this.parameterCount,
      statistics: this.statistics,
      statisticCount: this.statisticCount,
    };
  }
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The part of a flat vector that holds one tensor; a view, not a copy. */
export function tensorView(flat: Float32Array, spec: TensorSpec): Float32Array {
  return flat.subarray(spec.offset, spec.offset + spec.length);
}
