/**
 * A 3x3 convolution and its gradients over a group of images whose inputs are in padded scratch. It owns its weights in
 * the form that it multiplies by (made once per state), and the sum of its weights' gradient.
 */

import type { DirectShape } from '../kernels/directConvolution.js';
import type { Region } from './arena.js';

export interface ConvolutionShape extends DirectShape {
  readonly imagesPerGroup: number;
}

/** Addresses of a group's output gradients (plain images): of the output, or (see `normalised`) of its normalised values. */
export interface OutputGradient {
  readonly gradients: number;
  /** The plain images that batch normalisation read, and its coefficients: its input gradient is not computed yet. */
  readonly normalised?: { readonly inputs: number; readonly coefficients: number } | undefined;
}

/** Natural weights are (3, 3, inputs, outputs) with padded channels; transposed ones (3, 3, outputs, inputs). */
export interface Convolution {
  /** Where `backward` leaves the gradient of the inputs of a group, and how. */
  readonly inputGradient: Region;
  readonly inputGradientPadded: boolean;
  prepareWeights(natural: Region, transposed: Region): void;
  /** @param padded address of the group's padded inputs @param outputs address of plain outputs, written */
  forward(padded: number, outputs: number, imageCount: number): void;
  beginBackward(): void;
  backward(padded: number, gradient: OutputGradient, imageCount: number, wantInputGradient: boolean): void;
  /** Writes the gradient in natural order. */
  finishBackward(natural: Region): void;
}
