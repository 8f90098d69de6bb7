/** What a run leaves behind as result.json. */

export type StopReason = 'epochs' | 'patience' | 'max-steps' | 'signal';

export interface RunResult {
  /** Digest of the final weights: after `epochs` or `patience` the best ones, restored; else the last. */
  readonly weightsSha256: string;
  /** Digest of the weights after the last step. */
  readonly lastWeightsSha256: string;
  readonly stepsCompleted: number;
  readonly epochsCompleted: number;
  readonly bestEpoch: number | null;
  readonly bestValidationAccuracy: number | null;
  /** Training images over the time spent in training steps, of all sittings. */
  readonly imagesPerSecond: number;
  /** Time from start to end, of all sittings. */
  readonly wallSeconds: number;
  /** Engines that took part, joined by `+`. */
  readonly engine: string;
  readonly numericsClasses: readonly string[];
  /** Whether every gradient came from one numerics class that is the same everywhere. */
  readonly exact: boolean;
  readonly dataset: string;
  readonly stoppedBy: StopReason;
  readonly testAccuracy: number | null;
  readonly testLoss: number | null;
}
