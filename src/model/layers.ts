/**
 * A network as a plain list of layers. Engines interpret the list; nothing in it computes.
 *
 * Shape legend (NHWC everywhere): B batch, H height, W width, C channels.
 * A layer's `input` is the index of the layer that feeds it; `IMAGES` stands for the images themselves. Layers are in
 * an order in which they can be computed; the last one's output is the logits (B, classes).
 */

/** The `input` of a layer that reads the images, (B, H, W, C). */
export const IMAGES = -1;

/** Shape of one sample's activation. Vectors (after pooling) have height = width = 1. */
export interface ActivationShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

interface LayerBase {
  /** Dotted, unique name; parameter names start with it. */
  readonly name: string;
  readonly input: number;
  readonly inputShape: ActivationShape;
  readonly outputShape: ActivationShape;
}

/** 2-D cross-correlation without bias, zero padding 1, kernel 3x3. Weight (3, 3, Cin, Cout). */
export interface ConvolutionLayer extends LayerBase {
  readonly kind: 'convolution';
  readonly kernelSize: 3;
  readonly stride: 1 | 2;
  readonly weight: TensorSpec;
}

/**
 * Batch normalisation over (B, H, W), arXiv:1502.03167. In training by the micro-batch's own mean and biased variance;
 * the statistics handed on are the mean and the unbiased variance.
 */
export interface BatchNormalisationLayer extends LayerBase {
  readonly kind: 'batch-normalisation';
  readonly epsilon: number;
  readonly scale: TensorSpec; // (C)
  readonly shift: TensorSpec; // (C)
  readonly runningMean: TensorSpec; // (C), in the statistics vector
  readonly runningVariance: TensorSpec; // (C), in the statistics vector
}

export interface ReluLayer extends LayerBase {
  readonly kind: 'relu';
}

/**
 * Identity shortcut, option A of arXiv:1512.03385 section 4.2: every `stride`-th pixel, and zeros for the channels
 * that are new (the input's channels come first). No parameters.
 */
export interface ShortcutLayer extends LayerBase {
  readonly kind: 'shortcut';
  readonly stride: 1 | 2;
}

/** Sum of `input` and the layer `other`. */
export interface AddLayer extends LayerBase {
  readonly kind: 'add';
  readonly other: number;
}

/** Mean over H and W. */
export interface GlobalAveragePoolLayer extends LayerBase {
  readonly kind: 'global-average-pool';
}

/** Inverted dropout: in training each activation is kept with 1 - rate and scaled by 1 / (1 - rate). See dropout.ts. */
export interface DropoutLayer extends LayerBase {
  readonly kind: 'dropout';
  readonly rate: number;
}

/** x W + b. Weight (Cin, Cout), bias (Cout). */
export interface DenseLayer extends LayerBase {
  readonly kind: 'dense';
  readonly weight: TensorSpec;
  readonly bias: TensorSpec;
}

export type Layer =
  | ConvolutionLayer
  | BatchNormalisationLayer
  | ReluLayer
  | ShortcutLayer
  | AddLayer
  | GlobalAveragePoolLayer
  | DropoutLayer
  | DenseLayer;

/** One named tensor inside a flat float32 vector. */
export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  /** In elements, not bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Where every tensor lies in the two flat vectors that make up a model's state. */
export interface Layout {
  readonly parameters: readonly TensorSpec[];
  readonly parameterCount: number;
  /** Running statistics of batch normalisation: for each layer its mean, then its variance. */
  readonly statistics: readonly TensorSpec[];
  readonly statisticCount: number;
}
