/** What the checks share: the subject, its engines, its first weights, and results that several checks read. */

import { TrainingState } from '../coordinator/index.js';
import { gatherSamples, prepareImages } from '../data/index.js';
import type { AugmentationOptions } from '../data/index.js';
import type { Engine, MicroBatch, VersionedState } from '../engine/index.js';
import { LockstepError } from '../foundation/errors.js';
import type { Model, ModelState } from '../model/index.js';
import { labelsFor } from './data/labelCounts.js';
import { withoutDropout } from './networks.js';
import type { Subject } from './subject.js';

/** Images of the short trainings. */
const FIXED_IMAGES = 256;
/** Images of one micro-batch here, whatever the recipe's: enough for batch statistics, few enough to be quick. */
const MICRO_BATCH = 32;

export class Workbench {
  private readonly engines = new Map<Model, Promise<Engine>>();
  private readonly references = new Map<Model, Promise<Engine>>();
  private readonly kept = new Map<string, Promise<unknown>>();
  private versions = 0;
  /** The network without its dropout; its tensors are the same. */
  readonly plainModel: Model;

  constructor(
    readonly subject: Subject,
    readonly signal: AbortSignal,
  ) {
    this.plainModel = withoutDropout(subject.model);
  }

  /** Computes something once, however many checks ask for it. */
  once<Result>(key: string, compute: () => Promise<Result> | Result): Promise<Result> {
    const known = this.kept.get(key);
    if (known) return known as Promise<Result>;
    const computed = (async () => await compute())();
    this.kept.set(key, computed);
    return computed;
  }

  engineFor(model: Model = this.subject.model): Promise<Engine> {
    return this.loaded(this.engines, model, (which) => this.subject.computing.load(which));
  }

  /** @throws LockstepError E_INTERNAL if there is none */
  referenceFor(model: Model = this.subject.model): Promise<Engine> {
    const { loadReference } = this.subject.computing;
    if (!loadReference) throw new LockstepError('E_INTERNAL', 'there is no engine to compare with');
    return this.loaded(this.references, model, loadReference);
  }

  private loaded(
    engines: Map<Model, Promise<Engine>>,
    model: Model,
    load: (model: Model) => Promise<Engine>,
  ): Promise<Engine> {
    const engine = engines.get(model) ?? load(model);
    engines.set(model, engine);
    return engine;
  }

  /** The state that a run of this network would begin with. */
  freshState(model: Model = this.subject.model): TrainingState {
    const { set, split, normalisation } = this.subject.data;
    const images = { set, indices: split.training, normalisation };
    const { seed } = this.subject.recipe;
    return TrainingState.fresh(model, { seed, averaging: 'none' }, images);
  }

  /** For an engine: two states that differ have different versions. */
  versioned({ parameters, statistics }: ModelState): VersionedState {
    return { version: ++this.versions, parameters, statistics };
  }

  /** These samples as the network gets them in evaluation; in training if an augmentation is given. */
  batchOf(samples: ArrayLike<number>, augmentation?: AugmentationOptions): MicroBatch {
    const { set, normalisation } = this.subject.data;
    const { pixels, labels } = gatherSamples(set, samples);
    const images = prepareImages({
      pixels,
      imageShape: set.imageShape,
      sampleCount: labels.length,
      normalisation,
      augmentation,
    });
    return { images, labels };
  }

  /** The first training samples of the split, in micro-batches. */
  fixedBatches(): readonly Uint32Array[] {
    const samples = this.subject.data.split.training.subarray(0, FIXED_IMAGES);
    return Array.from({ length: Math.ceil(samples.length / MICRO_BATCH) }, (_, part) =>
      samples.subarray(part * MICRO_BATCH, (part + 1) * MICRO_BATCH),
    );
  }

  /** The samples of `fixedBatches`. */
  fixedSamples(): Uint32Array {
    return this.subject.data.split.training.subarray(0, FIXED_IMAGES);
  }

  fixedLabels(): Uint8Array {
    return labelsFor(this.subject.data.set, this.fixedSamples());
  }

  async dispose(): Promise<void> {
    const engines = [...this.engines.values(), ...this.references.values()];
    for (const engine of await Promise.allSettled(engines)) {
      if (engine.status === 'fulfilled') engine.value.dispose();
    }
  }
}
