/** The messages between a node and its threads: plain values that can be cloned. */

import type { AugmentationSettings, Normalisation, ViewSet } from '../data/index.js';
import type { EngineChoice, EngineDescription } from '../engine/index.js';
import type { ErrorCode } from '../foundation/errors.js';
import type { RandomKey } from '../foundation/random.js';
import type { WireFormat } from '../foundation/wire/format.js';

/** What stays the same during a run. */
export interface ComputeSession {
  /** The network's description as JSON, as it came: a thread builds from it what it computes with. */
  readonly network: string;
  readonly normalisation: Normalisation;
  /** These two affect training only, not evaluation. */
  readonly augmentation: AugmentationSettings;
  readonly labelSmoothing: number;
  readonly evaluationStatistics: 'running' | 'batch';
  readonly evaluationViews: ViewSet;
  /** What gradients are rounded to. */
  readonly wire: WireFormat;
}

/** The weights, in memory that all threads of a node share. */
export interface SharedState {
  /** Unique among all weights of this process. */
  readonly version: number;
  readonly parameters: Float32Array; // (parameterCount), on a SharedArrayBuffer
  readonly statistics: Float32Array; // (statisticCount), on a SharedArrayBuffer
}

export interface Samples {
  readonly pixels: Uint8Array; // (B, H, W, C)
  readonly labels: Uint8Array; // (B)
}

interface ItemCommon extends Samples {
  readonly engine: EngineChoice;
  readonly session: ComputeSession;
  readonly state: SharedState;
}

export interface GradientTask extends ItemCommon {
  readonly kind: 'gradient';
  readonly microBatch: number;
  readonly augmentationKey: RandomKey | null;
  /** (B), see `Work`. */
  readonly mirrored: Uint8Array | null;
  readonly dropoutKey: RandomKey;
  /** See `Work`. */
  readonly roundingKey: RandomKey | null;
}

export interface EvaluationTask extends ItemCommon {
  readonly kind: 'evaluate';
}

/** What an evaluation is answered with. */
export interface EvaluationScore extends Score {
  readonly logits: Float32Array; // (B, classes)
}

/** An item that a thread computes. */
export type ItemTask = GradientTask | EvaluationTask;

/** Where a thread writes the vectors of its answer, on SharedArrayBuffers. */
export interface GradientOutput {
  readonly gradientSum: Float32Array; // (parameterCount)
  /** The micro-batch's statistics times its sample count. */
  readonly statisticSum: Float32Array; // (statisticCount)
}

/** What a thread receives. The samples of an item are in shared memory. */
export type ThreadTask =
  | { readonly kind: 'describe'; readonly engine: EngineChoice }
  /** The last task of a thread: it frees its engine when it holds `turn`, which all threads share. */
  | { readonly kind: 'dispose'; readonly turn: Int32Array }
  | (GradientTask & { readonly output: GradientOutput })
  | EvaluationTask;

/** The counts and the loss of one item, summed over its samples. */
export interface Score {
  readonly sampleCount: number;
  readonly lossSum: number;
  readonly correct: number;
}

export type ThreadAnswer =
  | { readonly kind: 'description'; readonly description: EngineDescription }
  | { readonly kind: 'disposed' }
  /** The gradient is in the task's `output`. */
  | ({ readonly kind: 'gradient' } & Score)
  | ({ readonly kind: 'evaluation' } & EvaluationScore)
  /** Cloning an error loses its code, so errors travel as values. */
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };

/** A gradient in reused memory: call `release` when it has been sent or copied. */
export interface GradientAnswer extends Score, GradientOutput {
  readonly kind: 'gradient';
  readonly release: () => void;
}

export type ItemAnswer = GradientAnswer | ({ readonly kind: 'evaluation' } & EvaluationScore);
