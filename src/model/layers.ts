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

/**
 * 2-D cross-correlation with a square kernel. Weight (K, K, Cin, Cout), bias (Cout).
 *
 * `same` gives ceil(side / stride) outputs a side. Its zeros are one pixel all around for 3x3, one after the last pixel
 * for 2x2 (as PyTorch's padding='same' has it), none for 1x1. `valid` has no zeros: floor((side - K) / stride) + 1.
 */
export interface ConvolutionLayer extends LayerBase {
  readonly kind: 'convolution';
  readonly kernelSize: 1 | 2 | 3;
  readonly stride: 1 | 2;
  /** Left out: `same`. */
  readonly padding?: 'same' | 'valid';
  readonly weight: TensorSpec;
  /** Left out: no bias. */
  readonly bias?: TensorSpec;
}

/**
 * Batch normalisation over (B, H, W), arXiv:1502.03167. In training by the micro-batch's own mean and biased variance;
 * the statistics handed on are the mean and the unbiased variance.
 */
export interface BatchNormalisationLayer extends LayerBase {
  readonly kind: 'batch-normalisation';
  readonly epsilon: number;
  /** Share of the new batch in the running statistics, as PyTorch's BatchNorm2d counts it. Left out: 0.1. */
  readonly momentum?: number;
  readonly scale: TensorSpec; // (C)
  readonly shift: TensorSpec; // (C)
  readonly runningMean: TensorSpec; // (C), in the statistics vector
  readonly runningVariance: TensorSpec; // (C), in the statistics vector
}

export interface ReluLayer extends LayerBase {
  readonly kind: 'relu';
}

/** x Phi(x) with the normal distribution function Phi: the exact form, PyTorch's default (arXiv:1606.08415). */
export interface GeluLayer extends LayerBase {
  readonly kind: 'gelu';
}

/** x / (1 + exp(-x)) (arXiv:1702.03118). */
export interface SiluLayer extends LayerBase {
  readonly kind: 'silu';
}

/** x where positive, else alpha (exp(x / alpha) - 1) (arXiv:1704.07483). */
export interface CeluLayer extends LayerBase {
  readonly kind: 'celu';
  readonly alpha: number;
}

/**
 * Maximum or mean over windows of size x size pixels, `stride` apart, by channel. Windows lie within the map: what the
 * last one does not reach is not read. The gradient of a maximum goes to the first pixel, row by row, that has it.
 */
export interface PoolLayer extends LayerBase {
  readonly kind: 'max-pool' | 'average-pool';
  readonly size: number;
  readonly stride: number;
}

/** x times a constant: a fixed scale of the logits. */
export interface ScaleLayer extends LayerBase {
  readonly kind: 'scale';
  readonly factor: number;
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
  /** Left out: no bias. */
  readonly bias?: TensorSpec;
}

export type Layer =
  | ConvolutionLayer
  | BatchNormalisationLayer
  | ReluLayer
  | GeluLayer
  | SiluLayer
  | CeluLayer
  | PoolLayer
  | ScaleLayer
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
  /** Never trained: its gradient is not computed and reads as zero, and the optimizer leaves it alone, decay included. */
  readonly frozen?: boolean;
  /** Left out: what `initialiseModel` does for the kind of layer. */
  readonly initial?: Initialisation;
}

/** How a tensor starts: by the run's seed, by its training images (`whitening`), or as given. See initialise.ts. */
export type Initialisation =
  | { readonly kind: 'kaiming' }
  | { readonly kind: 'dirac' }
  | { readonly kind: 'zero' }
  /** From the training images, see data/whitening.ts; as `dirac` until they are known. */
  | { readonly kind: 'whitening'; readonly epsilon: number }
  | { readonly kind: 'values'; readonly values: readonly number[] };

/** The place of every tensor in the two flat vectors that make up a model's state. */
export interface Layout {
  readonly parameters: readonly TensorSpec[];
  readonly parameterCount: number;
  /** Running statistics of batch normalisation: for each layer its mean, then its variance. */
  readonly statistics: readonly TensorSpec[];
  readonly statisticCount: number;
}
