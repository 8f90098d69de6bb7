/** What the live page asks for, and what it gets: JSON, by GET alone. */

import type { EpochPoint, Happening, RunSummary, StepPoint } from '../folders/runData.js';

/** GET api/runs */
export interface RunsAnswer {
  /** The folder that is shown. */
  readonly root: string;
  readonly version: string;
  readonly runs: readonly ListedRun[];
}

export interface ListedRun extends RunSummary {
  /** The run's path below the root: what `api/run` takes. */
  readonly id: string;
}

/** GET api/run?id=ID, or api/run?id=ID&steps=1 for a run with its steps, which are empty otherwise. */
export interface RunAnswer {
  readonly id: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly epochs: readonly EpochPoint[];
  readonly steps: readonly StepPoint[];
  readonly happenings: readonly Happening[];
}
