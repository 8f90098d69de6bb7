/**
 * What differs between the backends of tfjs. The model code (forward.ts, backward.ts) is one for all of them and takes
 * the tfjs namespace and these operations as arguments.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { EngineAvailability, EngineDescription } from '../engine.js';

/** The namespace of tfjs-core, or of a package that re-exports it. */
export type TensorFlow = typeof tfjs;
export type Tensor = tfjs.Tensor;
export type Tensor1D = tfjs.Tensor1D;
export type Tensor2D = tfjs.Tensor2D;
/** An activation, (B, H, W, C); vectors have H = W = 1. */
export type Tensor4D = tfjs.Tensor4D;

export interface ConvolutionGeometry {
  readonly stride: 1 | 2;
  /** (B, H, W, Cin) */
  readonly inputShape: readonly [number, number, number, number];
  /** (3, 3, Cin, Cout) */
  readonly filterShape: readonly [number, number, number, number];
}

/** Operations that a backend may do in a way of its own. All return new tensors and keep none. */
export interface Operations {
  /** 3x3 cross-correlation with one pixel of zeros on every side: (B, H, W, Cin) to (B, ceil(H/s), ceil(W/s), Cout). */
  convolution(input: Tensor4D, filter: Tensor4D, stride: 1 | 2): Tensor4D;
  /** Gradient by the input, of the input's shape. */
  convolutionInputGradient(
    outputGradient: Tensor4D,
    filter: Tensor4D,
    geometry: ConvolutionGeometry,
  ): Tensor4D;
  /** Gradient by the filter, summed over the batch, of the filter's shape. */
  convolutionFilterGradient(
    input: Tensor4D,
    outputGradient: Tensor4D,
    geometry: ConvolutionGeometry,
  ): Tensor4D;
  /** Mean over B, H and W: (C). */
  channelMean(input: Tensor4D): Tensor1D;
  /** A channel vector (C) in the shape that broadcasts fastest over (B, H, width, C). */
  spread(vector: Tensor1D, width: number): Tensor;
  /** Gradient of the summed softmax cross-entropy by the logits, (B, classes). */
  logitGradient(logits: Tensor2D, labels: Uint8Array): Tensor2D;
}

/** A backend that tfjs has initialised in this thread. */
export interface OpenBackend {
  readonly tf: TensorFlow;
  /** The name under which tfjs has registered it. */
  readonly registeredName: string;
  readonly description: EngineDescription;
  readonly operations: Operations;
}

export interface TfjsBackend {
  readonly name: EngineDescription['name'];
  /** Quick, and harmless whatever is installed. */
  availability(): Promise<EngineAvailability>;
  /** Initialises the backend, once a thread. @throws LockstepError E_ENGINE_UNAVAILABLE */
  open(): Promise<OpenBackend>;
}
