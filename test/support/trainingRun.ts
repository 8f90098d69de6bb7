/** A whole run that trains resnet8's parameters with a formula instead of a network: fast, and easy to follow. */

import path from 'node:path';
import { onTestFinished } from 'vitest';
import { Fleet, RunFolder, TrainingState } from '../../src/coordinator/index.js';
import type { Recipe, RunEvent, TrainingRun } from '../../src/coordinator/index.js';
import { digestSamples, measureNormalisation, splitTrainingSet } from '../../src/data/index.js';
import { buildModel } from '../../src/model/index.js';
import { welcome } from './messages.js';
import { recipe } from './recipes.js';
import { temporaryFolder } from './temporaryFolder.js';
import { tinySet } from './tinySet.js';

export const SAMPLES = 40;
/** 24 samples to train on: 3 steps of 8. */
export const VALIDATION_SAMPLES = 16;
export const STEPS_PER_EPOCH = 3;

export interface TestRun {
  readonly run: TrainingRun;
  readonly fleet: Fleet;
  readonly events: RunEvent[];
  readonly stop: AbortController;
}

export interface TestRunOptions {
  readonly recipe?: Partial<Recipe>;
  /** Parts of the run to put in place of those that the recipe gives. */
  readonly change?: Partial<Parts>;
  readonly waitTimeoutMs?: number;
  readonly onEvent?: (event: RunEvent) => void;
}

type Parts = TrainingRun['training'] & TrainingRun['data'] & TrainingRun['storage'] & TrainingRun['crew'];

export async function testRun(options: TestRunOptions = {}): Promise<TestRun> {
  const settled = recipe({ valSize: VALIDATION_SAMPLES, ...options.recipe });
  const events: RunEvent[] = [];
  const onEvent = (event: RunEvent): void => {
    events.push(event);
    options.onEvent?.(event);
  };
  const fleet = new Fleet({ welcome: welcome(), onEvent, waitTimeoutMs: options.waitTimeoutMs ?? 60_000 });
  const model = options.change?.model ?? buildModel(settled.model, settled.dropout);
  const set = tinySet(SAMPLES);
  const split = splitTrainingSet({
    sampleCount: SAMPLES,
    validationSize: settled.valSize,
    seed: settled.seed,
  });
  const stop = new AbortController();
  const folder =
    options.change?.folder ?? (await RunFolder.create(path.join(temporaryFolder(), 'run'), settled));
  onTestFinished(() => folder.close());
  return {
    fleet,
    events,
    stop,
    run: runOf(
      {
        recipe: settled,
        model,
        set,
        split,
        normalisation: measureNormalisation(set, split.training),
        samples: digestSamples(set, split),
        state: TrainingState.fresh(model, settled),
        fleet,
        folder,
        checkpointEvery: 100,
        minWorkers: 1,
        openTestSet: undefined,
        ...options.change,
      },
      { onEvent, signal: stop.signal },
    ),
  };
}

function runOf(parts: Parts, control: TrainingRun['control']): TrainingRun {
  const { recipe, model, state } = parts;
  const { set, split, normalisation, samples, openTestSet, onTested } = parts;
  const { folder, checkpointEvery, fleet, minWorkers } = parts;
  return {
    training: { recipe, model, state },
    data: { set, split, normalisation, samples, openTestSet, onTested },
    storage: { folder, checkpointEvery },
    crew: { fleet, minWorkers },
    control,
  };
}

export function eventsOf<Kind extends RunEvent['event']>(
  events: readonly RunEvent[],
  kind: Kind,
): Extract<RunEvent, { event: Kind }>[] {
  return events.filter((event): event is Extract<RunEvent, { event: Kind }> => event.event === kind);
}

/** But for what the first steps show: the losses of analytic nodes are no cross-entropies. */
export function noticesOf(events: readonly RunEvent[]): Extract<RunEvent, { event: 'notice' }>[] {
  return eventsOf(events, 'notice').filter(
    ({ message }) => !message.startsWith('the loss of the first step'),
  );
}
