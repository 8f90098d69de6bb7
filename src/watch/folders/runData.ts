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
  readonly bestEpoch: number | null;
  /** A share from 0 to 1. */
  readonly bestValidationAccuracy: number | null;
  readonly testAccuracy: number | null;
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

/** Means over `steps` successive steps, the last of which is `step`. */
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
