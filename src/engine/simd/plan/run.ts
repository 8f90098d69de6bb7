/** What all operations get in one call of the engine. */

import type { RandomKey } from '../../../foundation/random.js';
import type { ModelState } from '../../../model/index.js';

export interface Run {
  readonly state: ModelState;
  readonly imageCount: number;
  /** Where batch normalisation takes its statistics from. */
  readonly statistics: 'batch' | 'running';
  /** Undefined in evaluation: nothing is dropped. */
  readonly dropoutKey: RandomKey | undefined;
  /** Results, in layout order; undefined in evaluation. The gradient is a view of the arena, where kernels write it. */
  readonly gradientSum: Float32Array | undefined;
  readonly batchStatistics: Float32Array | undefined;
}

/** One operation of the graph, with its kernels and memory. */
export interface Step {
  /** Converts the state's weights into the form that the kernels read; called once per state. */
  prepareWeights?(run: Run): void;
  forward(run: Run): void;
  /** The gradient of the result is complete; adds to the operands' gradients, writes the parameters'. */
  backward(run: Run): void;
}

/** Calls `body(first image, image count)` for consecutive groups. */
export function forEachGroup(
  imageCount: number,
  imagesPerGroup: number,
  body: (firstImage: number, groupSize: number) => void,
): void {
  for (let first = 0; first < imageCount; first += imagesPerGroup) {
    body(first, Math.min(imagesPerGroup, imageCount - first));
  }
}
