/** What is checked: everything that a run would begin with. Nothing of it is changed. */

import type { InitialTensors, Recipe } from '../coordinator/index.js';
import type { ImageSet, Normalisation, TrainingSplit } from '../data/index.js';
import type { Engine, EngineChoice, EngineDescription } from '../engine/index.js';
import type { Model } from '../model/index.js';

export interface Subject {
  readonly model: Model;
  readonly recipe: Recipe;
  readonly data: CheckedData;
  readonly computing: Computing;
  /** Weights that the run begins with, from elsewhere; undefined: those of the seed. */
  readonly initial?: InitialTensors | undefined;
}

export interface CheckedData {
  readonly set: ImageSet;
  readonly split: TrainingSplit;
  readonly normalisation: Normalisation;
  /** Whether the validation images are a part of the data, and not held back from the training images. */
  readonly bringsValidation?: boolean | undefined;
  /** Undefined: the test set is left alone. */
  readonly openTestSet?: (() => Promise<ImageSet>) | undefined;
}

/** What a run would compute with. */
export interface Computing {
  /** Of the threads. */
  readonly choice: EngineChoice;
  readonly threads: number;
  readonly description: EngineDescription;
  /** The same engine for this thread. */
  readonly load: (model: Model) => Promise<Engine>;
  /** Another engine to compare it with; undefined if there is none. */
  readonly loadReference: ((model: Model) => Promise<Engine>) | undefined;
}
