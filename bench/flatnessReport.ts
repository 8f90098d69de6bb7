/** What the flatness script prints, as one JSON object. */

export interface FlatnessReading {
  readonly gradients: number;
  readonly residentBytes: number;
  readonly arenaBytes: number;
  /** The process's largest resident set so far: garbage between collections included. */
  readonly peakBytes: number;
}

export interface FlatnessReport {
  readonly readings: readonly FlatnessReading[];
  /** The arena after a micro-batch of evaluation's size. */
  readonly arenaBytesAfterEvaluation: number;
}
