/**
 * The interface of all engines. An engine turns (layer list, model state, micro-batch) into a gradient. It is a pure
 * function: same arguments, same numerics class, same bits.
 *
 * Ownership: the caller owns every array that it passes in; the engine has read them when the promise settles. The
 * arrays in a result belong to the caller.
 */

import type { RandomKey } from '../foundation/random.js';
import type { Model, ModelState } from '../model/index.js';

export const ENGINE_NAMES = ['simd', 'webgpu', 'tensorflow', 'wasm', 'cpu'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface EngineDescription {
  readonly name: EngineName;
  /** What computes, for people: `AMD EPYC, 1 thread`, `NVIDIA H100`. */
  readonly device: string;
  /** Engines with equal labels give equal bits. */
  readonly numericsClass: string;
  /** Whether the class gives the same bits on every machine and in every run. */
  readonly exact: boolean;
  /** Names and versions of what the numbers depend on, such as `{ tfjs: '4.22.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What the network should answer for the samples of a micro-batch. */
export interface Targets {
  readonly labels: Uint8Array; // (B), each below classCount
  /**
   * Share of each target, in [0, 1), that is spread evenly over all classes (arXiv:1512.00567, section 7): the loss and
   * its gradient use the mixed targets. Left out: no smoothing, as in every evaluation.
   */
  readonly labelSmoothing?: number;
  /** Left out: no image is mixed with another. */
  readonly mixture?: Mixture | undefined;
}

/** Of images that are mixed from two each (mixup, arXiv:1710.09412): the loss is the same mixture of the two losses. */
export interface Mixture {
  /** (B), of the images that were mixed in. */
  readonly labels: Uint8Array;
  /** Of an image's own label, in [0, 1]; the other has the rest. */
  readonly share: number;
}

/** Normalised images and their targets. */
export interface MicroBatch extends Targets {
  readonly images: Float32Array; // (B, H, W, C)
}

/** Images as in the data set, for engines that augment and standardise by themselves. */
export interface PixelBatch extends Targets {
  readonly pixels: Uint8Array; // (B, H, W, C)
  /** (B, 4): for each sample the top and left edge of its window, whether it is mirrored (1 or 0), and an unused value. */
  readonly windows: Int8Array;
  /** (C, 256): the value of each byte, by channel. Pixels of a window outside the image are 0. */
  readonly table: Float32Array;
}

/** The state to compute with; engines may cache what they upload, keyed by `version`. */
export interface VersionedState extends ModelState {
  /** Changes whenever the values do. */
  readonly version: number;
}

/** Sums over the samples of one micro-batch; never means. */
export interface GradientResult {
  readonly sampleCount: number;
  /** Sum over samples of the softmax cross-entropy with the (smoothed) targets. */
  readonly lossSum: number;
  /** Samples whose largest logit (the first, if several are equal) is the label's; of a mixture, the larger part's. */
  readonly correct: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  /** Per batch normalisation: the micro-batch's mean and unbiased variance, in statistics layout. */
  readonly batchStatistics: Float32Array; // (statisticCount)
}

export interface EvaluationResult {
  readonly sampleCount: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly logits: Float32Array; // (B, classes)
}

/** Where batch normalisation takes its statistics from in evaluation. */
export type EvaluationStatistics = 'running' | 'batch';

/**
 * Prepares the images itself, and then computes the same as an engine that gets them prepared. It keeps no reference to a
 * state: it has its own copy before the promise settles, because others may write to the state's memory afterwards.
 */
export interface PixelEngine {
  gradient(
    state: VersionedState,
    batch: PixelBatch,
    dropoutKey: RandomKey,
    into?: Float32Array,
  ): Promise<GradientResult>;
  evaluate(
    state: VersionedState,
    batch: PixelBatch,
    statistics: EvaluationStatistics,
  ): Promise<EvaluationResult>;
}

export interface Engine {
  readonly description: EngineDescription;
  /** Set if the engine prepares images faster than the processor, or if uploading bytes is cheaper. */
  readonly fromPixels?: PixelEngine;
  /**
   * @param dropoutKey see model/dropout.ts; ignored by models without dropout.
   * @param into (parameterCount): the caller's memory for the gradient. An engine that writes there returns it as the
   *   result's `gradientSum`; one that does not returns memory of its own.
   */
  gradient(
    state: VersionedState,
    batch: MicroBatch,
    dropoutKey: RandomKey,
    into?: Float32Array,
  ): Promise<GradientResult>;
  evaluate(
    state: VersionedState,
    batch: MicroBatch,
    statistics: EvaluationStatistics,
  ): Promise<EvaluationResult>;
  /** Frees everything the engine holds; it cannot be used afterwards. */
  dispose(): void;
  /** After `dispose`: settles when its device is gone, if it has one. */
  readonly closed?: Promise<unknown> | undefined;
}

/** What `lockstep engines` reports about an engine before it is loaded. */
export type EngineAvailability =
  | {
      readonly available: true;
      readonly detail: string;
      /** For engines that run on one of several devices: the one chosen, for `load`, and its name for people. */
      readonly device?: string;
      readonly deviceName?: string;
      /** All of them, one line each. */
      readonly devices?: readonly string[];
      /** Emulates a GPU on the processor: chosen only on request. */
      readonly isSoftware?: boolean;
    }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** `simd` requests the class without fused multiply-add from the engine of that name; other engines have one class. */
export const NUMERICS = ['auto', 'simd'] as const;
export type Numerics = (typeof NUMERICS)[number];

/** How an engine finds the fastest kernels for its device. */
export interface Tuning {
  /** Where it stores its measurements. */
  readonly cacheFolder: string;
  /** Whether it may measure unknown kernels; otherwise it only uses stored measurements. */
  readonly mayMeasure: boolean;
}

/** Number format of convolutions' operands. Sums and everything else are float32. Only `webgpu` has a choice. */
export const PRECISIONS = ['f32', 'f16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface EngineFactory {
  readonly name: EngineName;
  /**
   * @param device index or name of a device, as the user gives it; engines without a choice ignore it
   * @throws LockstepError E_OPTION if none or several match
   */
  availability(device?: string): Promise<EngineAvailability>;
  /**
   * @param device as `availability` returned it
   * @param tuning no tuning if left out; engines without a choice of kernels ignore it
   * @throws LockstepError E_ENGINE_UNAVAILABLE with the remedy.
   */
  load(
    model: Model,
    numerics?: Numerics,
    device?: string,
    tuning?: Tuning,
    precision?: Precision,
  ): Promise<Engine>;
}
