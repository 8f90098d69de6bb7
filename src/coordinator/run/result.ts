/** The result of a run, as written to result.json. */

import { z } from 'zod';

const STOP_REASONS = ['epochs', 'patience', 'max-steps', 'signal'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

export interface RunResult {
  /** Digest of the final weights: after `epochs` or `patience` the best ones, restored; else the last. */
  readonly weightsSha256: string;
  /** Digest of the weights after the last step. */
  readonly lastWeightsSha256: string;
  readonly stepsCompleted: number;
  readonly epochsCompleted: number;
  readonly bestEpoch: number | null;
  readonly bestValidationAccuracy: number | null;
  /** Training images per second of training steps, including earlier processes of the run. */
  readonly imagesPerSecond: number;
  /** Time from start to end, including earlier processes of the run. */
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

/** What a resumed run reads of it. */
export const priorResultSchema = z.object({
  stepsCompleted: z.int().min(0),
  stoppedBy: z.enum(STOP_REASONS),
  /** Missing in results of older versions. */
  testAccuracy: z.number().nullable().default(null),
});
export type PriorResult = z.infer<typeof priorResultSchema>;
