/** What `train` is given, by who owns it. Each part of the loop takes only the groups that it needs. */

import type { ImageSet, Normalisation, SampleDigests, TrainingSplit } from '../../data/index.js';
import type { Model } from '../../model/index.js';
import type { Fleet } from '../fleet/fleet.js';
import type { RunFolder } from '../folder/runFolder.js';
import type { EventListener } from '../run/events.js';
import type { Recipe } from '../run/recipe.js';
import type { EvaluationScore } from './evaluate.js';
import type { TrainingState } from './trainingState.js';

export interface TrainingRun {
  readonly training: Training;
  readonly data: TrainingData;
  readonly storage: Storage;
  readonly crew: Crew;
  readonly control: Control;
}

/** What is trained. */
export interface Training {
  readonly recipe: Recipe;
  readonly model: Model;
  /** The only part of a run that changes. */
  readonly state: TrainingState;
}

/** What it is trained on. */
export interface TrainingData {
  readonly set: ImageSet;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
  /** Digests of the samples of `split`, for checkpoints. */
  readonly samples: SampleDigests;
  /** Called when training is done; undefined does not evaluate the test set. */
  readonly openTestSet: (() => Promise<ImageSet>) | undefined;
  /** Told what the final weights make of the test set. Must not throw: the run has its result. */
  readonly onTested?: ((tested: TestedRun) => Promise<void>) | undefined;
}

/** The final weights on the test set. */
export interface TestedRun {
  readonly set: ImageSet;
  readonly score: EvaluationScore;
  readonly logits: Float32Array; // (N, classes)
  /** The checkpoint that holds these weights, and the epoch after which they were such. */
  readonly checkpoint: string;
  readonly epoch: number;
  readonly weightsSha256: string;
  /** Of the nodes whose answers were used. */
  readonly engines: readonly string[];
  readonly numericsClasses: readonly string[];
}

/** Where it is kept. */
export interface Storage {
  readonly folder: RunFolder;
  /** Steps from one checkpoint to the next. */
  readonly checkpointEvery: number;
}

/** Who computes. */
export interface Crew {
  readonly fleet: Fleet;
  /** Workers to wait for before the first step. */
  readonly minWorkers: number;
}

/** Who listens, and who stops it. */
export interface Control {
  readonly onEvent: EventListener;
  /** Aborted to stop: the step in progress is dropped, and everything before it is saved. */
  readonly signal: AbortSignal;
}
