/** What memoryGrowth.ts prints, as one JSON object. */

export interface MemoryGrowthReading {
  readonly gradients: number;
  readonly residentBytes: number;
  readonly arenaBytes: number;
  /** The process's largest resident set so far, including garbage between collections. */
  readonly peakBytes: number;
}

export interface MemoryGrowthReport {
  readonly readings: readonly MemoryGrowthReading[];
  /** The arena after a micro-batch of evaluation's size. */
  readonly arenaBytesAfterEvaluation: number;
}
