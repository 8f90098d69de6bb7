/** A whole pass as one list of dispatches, with its upload and its results. */

import { invariant } from '../../../foundation/errors.js';
import { buildGraph } from '../../graph.js';
import type { Model } from '../../../model/index.js';
import type { Dispatch, Range } from '../kernels/kernelSource.js';
import type { MatrixUnit } from '../kernels/matrixOperations.js';
import { BackwardPass } from './backward.js';
import type { DeviceLayout } from './deviceLayout.js';
import { ForwardPass } from './forward.js';
import type { PassKind } from './forward.js';
import type { InputKind, PassInput } from './passInput.js';
import { USUAL_TILES } from './tiles.js';
import type { Tiles } from './tiles.js';

export interface DevicePlan {
  readonly kind: PassKind;
  readonly imageCount: number;
  readonly dispatches: readonly Dispatch[];
  /** The one upload. */
  readonly input: PassInput;
  /** The results that are read back, in this order: logits; in training also gradient and channels. */
  readonly outputs: readonly Range[];
}

export interface PlanOptions {
  readonly model: Model;
  readonly layout: DeviceLayout;
  readonly kind: PassKind;
  readonly imageCount: number;
  /** Storage buffers that a kernel may bind. */
  readonly bindingLimit: number;
  readonly tiles?: Tiles | undefined;
  readonly inputKind?: InputKind | undefined;
  /** Set if convolutions use half precision. */
  readonly matrices?: MatrixUnit | undefined;
}

export function planPass(options: PlanOptions): DevicePlan {
  const { model, kind, imageCount, bindingLimit, tiles = USUAL_TILES, inputKind = 'images' } = options;
  const forward = new ForwardPass({ ...options, tiles, inputKind, graph: buildGraph(model) });
  const backward = kind === 'training' ? new BackwardPass(forward, bindingLimit) : undefined;
  const dispatches = [...forward.dispatches, ...(backward?.dispatches ?? [])];
  for (const { label, bindings } of dispatches) {
    const count = bindings.length;
    invariant(count <= bindingLimit, `kernel "${label}" binds ${count} buffers, above ${bindingLimit}`);
  }
  return {
    kind,
    imageCount,
    dispatches,
    input: forward.input,
    outputs: [forward.logits, ...(backward ? [backward.gradient, forward.channels] : [])],
  };
}
