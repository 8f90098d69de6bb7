/** What is known of a run, as data: the terminal, the report and the live page show it. */

/**
 * `running`: a process works in the folder. `finished`: the run has ended by itself. `stopped`: by a signal; it can be
 * resumed. `interrupted`: its process is gone without a result, as after a kill; it can be resumed.
 */
export type RunState = 'running' | 'finished' | 'stopped' | 'interrupted' | 'unknown';

/** Null: the folder does not say. Text is cut to a length that a table can hold and has no control characters. */
export interface RunSummary {
  readonly folder: string;
  readonly name: string;
  readonly state: RunState;
  readonly stoppedBy: string | null;
  readonly model: string | null;
  readonly dataset: string | null;
  readonly seed: number | null;
  /** Epochs that the run was asked to train. */
  readonly epochs: number | null;
  readonly epochsCompleted: number;
  readonly stepsCompleted: number;
  /** Steps of the whole run; null unless it is running and says so. */
  readonly steps: number | null;
  /** About, if it goes on as before and is not stopped early; null unless it is running. */
  readonly secondsLeft: number | null;
  /** Means of the last steps of training; null unless it is running. */
  readonly recentLoss: number | null;
  readonly recentAccuracy: number | null;
  readonly bestEpoch: number | null;
  /** A share from 0 to 1. */
  readonly bestValidationAccuracy: number | null;
  /** Of the final weights: of the result, or of an evaluation of these weights. */
  readonly testAccuracy: number | null;
  /** File of the latest evaluation in the folder. */
  readonly latestEvaluation: string | null;
  /** Of the whole run; of a running one, of its last steps. */
  readonly imagesPerSecond: number | null;
  readonly wallSeconds: number | null;
  /** Whether every gradient came from one exact numerics class; null while the run is not finished. */
  readonly exact: boolean | null;
  readonly weightsSha256: string | null;
  /** ISO 8601, of the last change of the run's files. */
  readonly updatedAt: string | null;
}

export interface EpochPoint {
  readonly epoch: number;
  readonly step: number;
  readonly lr: number | null;
  readonly trainLoss: number | null;
  readonly trainAccuracy: number | null;
  readonly validationLoss: number | null;
  readonly validationAccuracy: number | null;
  readonly imagesPerSecond: number | null;
  readonly wallSeconds: number | null;
  readonly best: boolean;
  readonly weightsSha256: string | null;
}

/** Means over `steps` successive steps, the last of which is `step`; of a long run, over a sample of them. */
export interface StepPoint {
  readonly step: number;
  readonly steps: number;
  readonly lr: number | null;
  readonly loss: number | null;
  readonly accuracy: number | null;
  readonly imagesPerSecond: number | null;
}

/** A notice, a node that came or went, and whatever else happened besides steps and epochs. */
export interface Happening {
  readonly time: string | null;
  readonly line: Readonly<Record<string, unknown>>;
}

/** A node that takes or took part. Texts come from the node. */
export interface WorkerShare {
  readonly node: string;
  readonly engine: string | null;
  readonly device: string | null;
  readonly numericsClass: string | null;
  readonly threads: number | null;
  /** Whether it is attached now, as far as the events tell. */
  readonly isAttached: boolean;
  /** Training samples that it has computed in the epochs that are complete. */
  readonly samples: number;
  /** Of all these samples; null if none were counted. */
  readonly share: number | null;
}

/** The filters of the first convolution. */
export interface FirstLayer {
  readonly name: string;
  /** The checkpoint that they are from. */
  readonly checkpoint: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly filters: number;
  /** (height, width, channels, filters) */
  readonly values: readonly number[];
}

/** What a page must know to compute with a run's weights; the vectors follow it (currentWeights.ts). */
export interface WeightsHeader {
  /** As JSON: layers, image shape, class names. */
  readonly network: string;
  readonly mean: readonly number[];
  readonly standardDeviation: readonly number[];
  /** How validation looks at an image. */
  readonly evaluationViews: 'none' | 'flip' | 'full';
  readonly checkpoint: 'best' | 'last';
  /** After which they were such. */
  readonly epoch: number;
  readonly parameterCount: number;
  readonly statisticCount: number;
}
