/**
 * The one interface behind which arithmetic happens. An engine turns (layer list, model state, micro-batch) into a
 * gradient. It is a pure function in engine's clothing: same arguments, same numerics class, same bits.
 *
 * Ownership: the caller owns every array it passes in, and the engine has read them when the promise settles. The
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
  /** Engines with equal labels promise equal bits. */
  readonly numericsClass: string;
  /** Whether the class promises the same bits on every machine and in every run. */
  readonly exact: boolean;
  /** Names and versions of what the numbers depend on, such as `{ tfjs: '4.22.0' }`. */
  readonly versions: Readonly<Record<string, string>>;
}

/** What a network is to say of the samples of a micro-batch. */
export interface Targets {
  readonly labels: Uint8Array; // (B), each below classCount
  /**
   * Share of each target, in [0, 1), that is spread evenly over all classes (arXiv:1512.00567, section 7): the loss and
   * its gradient are of the mixed targets. Left out: none, as in every evaluation.
   */
  readonly labelSmoothing?: number;
}

/** Normalised images and their targets. */
export interface MicroBatch extends Targets {
  readonly images: Float32Array; // (B, H, W, C)
}

/** Images as the data set has them, for engines that augment and standardise by themselves. */
export interface PixelBatch extends Targets {
  readonly pixels: Uint8Array; // (B, H, W, C)
  /** (B, 4): for each sample the upper and left edge of its window, whether it is mirrored (1 or 0), and an unused one. */
  readonly windows: Int8Array;
  /** (C, 256): what each byte becomes, by channel. What a window takes from beyond the image is 0. */
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
  /** Sum over samples of the softmax cross-entropy with the targets, smoothed as they are. */
  readonly lossSum: number;
  /** Samples whose largest logit (the first, if several are equal) is the label's. */
  readonly correct: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  /** Per batch normalisation: the micro-batch's mean and unbiased variance, in statistics layout. */
  readonly batchStatistics: Float32Array; // (statisticCount)
}

export interface EvaluationResult {
  readonly sampleCount: number;
  readonly lossSum: number;
  readonly correct: number;
}

/** Where batch normalisation takes its statistics from in evaluation. */
export type EvaluationStatistics = 'running' | 'batch';

/**
 * Computes as an engine does of the prepared images, and prepares them itself. It keeps no reference to a state, and has a
 * copy of its own before the promise settles: the state may lie in memory that others write to afterwards.
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
  /** There if the engine is faster at preparing images than the processor, or if bytes are less to carry. */
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
}

/** What `lockstep engines` tells of an engine before it is loaded. */
export type EngineAvailability =
  | {
      readonly available: true;
      readonly detail: string;
      /** For engines that run on one of several devices: the one chosen, for `load`, and its name for people. */
      readonly device?: string;
      readonly deviceName?: string;
      /** All of them, a line each. */
      readonly devices?: readonly string[];
      /** Emulates a GPU on the processor: never chosen unasked. */
      readonly isSoftware?: boolean;
    }
  | { readonly available: false; readonly reason: string; readonly remedy: string };

/** `simd` asks the engine of that name for the class without fused multiply-add; other engines have one class. */
export const NUMERICS = ['auto', 'simd'] as const;
export type Numerics = (typeof NUMERICS)[number];

/** How an engine comes to kernels that suit its device. */
export interface Tuning {
  /** Where it remembers what it measured. */
  readonly cacheFolder: string;
  /** Whether it may measure what it does not know; else it uses what is known. */
  readonly mayMeasure: boolean;
}

/** Of what convolutions multiply; they add in float32, and everything else is float32. Only `webgpu` has a choice. */
export const PRECISIONS = ['f32', 'f16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface EngineFactory {
  readonly name: EngineName;
  /**
   * @param device index or name of a device, as `--device` has it; engines without a choice ignore it
   * @throws LockstepError E_OPTION if none or several match
   */
  availability(device?: string): Promise<EngineAvailability>;
  /**
   * @param device as `availability` returned it
   * @param tuning none if left out; engines without a choice of kernels ignore it
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
