/** What the live page asks for, and what it gets: JSON, by GET alone. */

import type { Evaluation } from '../../coordinator/run/evaluation.js';
import type {
  EpochPoint,
  FirstLayer,
  Happening,
  RunSummary,
  StepPoint,
  WorkerShare,
} from '../folders/runData.js';

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
  readonly workers: readonly WorkerShare[];
  /** Names of the evaluations, the latest first. */
  readonly evaluations: readonly string[];
}

/** GET api/evaluation?id=ID&name=NAME: one of the run's evaluations. Their content never changes. */
export type EvaluationAnswer = Evaluation;

/** GET api/filters?id=ID: the filters of the first layer; null if the run has none that can be shown. */
export type FiltersAnswer = FirstLayer | null;
