/** What passes between a node and its threads: plain values that survive structured cloning. */

import type { EngineChoice, EngineDescription } from '../engine/index.js';
import type { ErrorCode } from '../foundation/errors.js';
import type { RandomKey } from '../foundation/random.js';
import type { ModelName } from '../model/index.js';

/** What does not change during a run. */
export interface ComputeSession {
  readonly modelName: ModelName;
  readonly dropoutRate: number;
  readonly normalisation: {
    readonly mean: readonly [number, number, number];
    readonly standardDeviation: readonly [number, number, number];
  };
  readonly evaluationStatistics: 'running' | 'batch';
}

/** The weights, in memory that all threads of a node share: one copy a node, whatever the number of threads. */
export interface SharedState {
  /** Unique among all weights that this process has held. */
  readonly version: number;
  readonly parameters: Float32Array; // (parameterCount), on a SharedArrayBuffer
  readonly statistics: Float32Array; // (statisticCount), on a SharedArrayBuffer
}

interface Samples {
  readonly pixels: Uint8Array; // (B, 32, 32, 3)
  readonly labels: Uint8Array; // (B)
}

export type ThreadTask =
  | { readonly kind: 'describe'; readonly engine: EngineChoice }
  | ({
      readonly kind: 'gradient';
      readonly engine: EngineChoice;
      readonly session: ComputeSession;
      readonly state: SharedState;
      readonly augmentationKey: RandomKey | null;
      readonly dropoutKey: RandomKey;
    } & Samples)
  | ({
      readonly kind: 'evaluate';
      readonly engine: EngineChoice;
      readonly session: ComputeSession;
      readonly state: SharedState;
    } & Samples);

export interface GradientAnswer {
  readonly kind: 'gradient';
  readonly sampleCount: number;
  readonly lossSum: number;
  readonly correct: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  readonly statisticSum: Float32Array; // (statisticCount)
}

export type ThreadAnswer =
  | { readonly kind: 'description'; readonly description: EngineDescription }
  | GradientAnswer
  | {
      readonly kind: 'evaluation';
      readonly sampleCount: number;
      readonly lossSum: number;
      readonly correct: number;
    }
  /** Errors lose their code on the way between threads, so they travel as values. */
  | { readonly kind: 'error'; readonly code: ErrorCode; readonly message: string };
