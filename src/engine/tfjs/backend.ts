/**
 * What differs between the backends of tfjs. The model code (forward.ts, backward.ts) is the same for all of them; it takes
 * the tfjs namespace and these operations as arguments.
 */

import type * as tfjs from '@tensorflow/tfjs-core';
import type { EngineAvailability, EngineDescription, Targets } from '../engine.js';

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

/** What training keeps of one batch normalisation, for the backward pass and for the result. */
export type NormalisationRecord = {
  /** (C) */
  readonly mean: Tensor1D;
  /** (C); see `Normaliser.varianceDivisor`. */
  readonly variance: Tensor1D;
  /** Data for `backward` of the same normaliser. */
  readonly kept: readonly Tensor[];
};

export type NormalisationGradients = {
  readonly input: Tensor4D;
  readonly scale: Tensor1D;
  readonly shift: Tensor1D;
};

export interface AffineParameters {
  readonly scale: Tensor1D; // (C)
  readonly shift: Tensor1D; // (C)
  readonly epsilon: number;
}

/** Batch normalisation, arXiv:1502.03167, by channel over B, H and W. All results are new tensors. */
export interface Normaliser {
  /** The divisor of the squares in a record's variance: N = B * H * W, or N - 1 (1 if N is 1). */
  readonly varianceDivisor: 'N' | 'N-1';
  /** Whether `backward` reads the input, which is then kept until that time. */
  readonly backwardReadsInput: boolean;
  /** With the micro-batch's own statistics. */
  forwardByBatch(
    input: Tensor4D,
    parameters: AffineParameters,
  ): { readonly output: Tensor4D; readonly record: NormalisationRecord };
  /** With the given statistics. */
  forwardByRunning(
    input: Tensor4D,
    parameters: AffineParameters,
    mean: Tensor1D,
    variance: Tensor1D,
  ): Tensor4D;
  /** @param input what `forwardByBatch` was given; undefined unless `backwardReadsInput` */
  backward(
    outputGradient: Tensor4D,
    input: Tensor4D | undefined,
    parameters: AffineParameters,
    record: NormalisationRecord,
  ): NormalisationGradients;
}

/** Operations that a backend may implement in its own way. All return new tensors and keep none. */
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
  readonly normaliser: Normaliser;
  /** Gradient by the input of a ReLU, from its output. */
  rectifierGradient(outputGradient: Tensor4D, output: Tensor4D): Tensor4D;
  /** Gradient of the summed softmax cross-entropy by the logits, (B, classes). */
  logitGradient(logits: Tensor2D, targets: Targets): Tensor2D;
}

/** A backend that tfjs has initialised in this thread. */
export interface OpenBackend {
  readonly tf: TensorFlow;
  /** The name under which it is registered in tfjs. */
  readonly registeredName: string;
  readonly description: EngineDescription;
  readonly operations: Operations;
}

export interface TfjsBackend {
  readonly name: EngineDescription['name'];
  /** Fast, and safe whatever is installed. */
  availability(): Promise<EngineAvailability>;
  /** Initialises the backend, once per thread. @throws LockstepError E_ENGINE_UNAVAILABLE */
  open(): Promise<OpenBackend>;
}
