import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { resumeRun } from '../../src/cli/resume.js';
import type { ResumedRun } from '../../src/cli/resume.js';
import type { TrainingOptions } from '../../src/cli/trainingOptions.js';
import { train, TrainingState } from '../../src/coordinator/index.js';
import type { Recipe, RunResult } from '../../src/coordinator/index.js';
import { analyticNode, evaluatedOf, honest } from '../support/analyticNode.js';
import type { Answerer } from '../support/analyticNode.js';
import { rejectionOf } from '../support/errors.js';
import { recipe } from '../support/recipes.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { testRun } from '../support/trainingRun.js';

/** Options of which the user gave only these. */
function options(given: Partial<Recipe> & { dataset?: Recipe['dataset'] | 'auto' } = {}): TrainingOptions {
  return {
    recipe: { ...recipe(), ...given },
    dataDir: 'data',
    engine: 'auto',
    numerics: 'auto',
    workers: 1,
    checkpointEvery: 100,
    given: new Set(Object.keys(given)),
  };
}

async function resumed(folder: string, given: Partial<Recipe> = {}): Promise<ResumedRun> {
  const run = await resumeRun(folder, options(given));
  onTestFinished(() => run.folder.close());
  return run;
}

interface Sitting {
  readonly folder: string;
  readonly result: RunResult;
}

/** A first sitting that ended as `change` makes it; its folder is free for the next. */
async function sitting(change: Partial<Recipe>, answerer: Answerer = honest): Promise<Sitting> {
  const testing = await testRun({ recipe: change });
  analyticNode(testing.fleet, {}, answerer);
  const result = await train(testing.run);
  testing.run.folder.close();
  return { folder: testing.run.folder.folder, result };
}

/** Trains on from what was resumed. */
async function trainOn(
  { folder, recipe: kept, checkpoint, best }: ResumedRun,
  answerer: Answerer = honest,
): Promise<RunResult> {
  const testing = await testRun({
    recipe: kept,
    change: { folder, state: TrainingState.from(checkpoint), best },
  });
  analyticNode(testing.fleet, {}, answerer);
  return train(testing.run);
}

/** Each evaluation's accuracy follows from its place in the run: from the weights' version, not from memory. */
function scoringByWeights(accuracies: ReadonlyMap<string, number>): Answerer {
  return (item, state) => {
    if (item.type === 'work') return honest(item, state);
    const accuracy = accuracies.get(Buffer.from(state.parameters.slice(0, 64)).toString('hex'))!;
    return { ...evaluatedOf(item, state), correct: Math.round(accuracy * item.labels.length) };
  };
}

/** Learns which weights come to the evaluations of an undisturbed run, and gives them these accuracies. */
async function scripted(change: Partial<Recipe>, accuracies: readonly number[]): Promise<Answerer> {
  const byWeights = new Map<string, number>();
  await sitting({ ...change, epochs: accuracies.length, patience: 0 }, (item, state) => {
    if (item.type === 'evaluate') {
      byWeights.set(Buffer.from(state.parameters.slice(0, 64)).toString('hex'), accuracies[byWeights.size]!);
    }
    return honest(item, state);
  });
  return scoringByWeights(byWeights);
}

const essence = ({
  weightsSha256,
  lastWeightsSha256,
  stepsCompleted,
  epochsCompleted,
  bestEpoch,
  bestValidationAccuracy,
  stoppedBy,
}: RunResult): unknown => ({
  weightsSha256,
  lastWeightsSha256,
  stepsCompleted,
  epochsCompleted,
  bestEpoch,
  bestValidationAccuracy,
  stoppedBy,
});

describe('a resumed run', () => {
  it('keeps its recipe, whatever the defaults are now', async () => {
    const { folder } = await sitting({ maxSteps: 2, lr: 0.05, seed: 9, schedule: 'cosine' });
    const { recipe: kept, checkpoint } = await resumed(folder, { maxSteps: 5 });
    expect(kept).toMatchObject({ maxSteps: 5, lr: 0.05, seed: 9, schedule: 'cosine' });
    expect(checkpoint.progress.step).toBe(2);
  });

  it.each([1, 2, 3, 4, 5])('after %i steps ends like one that was never interrupted', async (maxSteps) => {
    const { result: whole } = await sitting({});
    const { folder } = await sitting({ maxSteps });
    const result = await trainOn(await resumed(folder, { maxSteps: 1000 }));
    expect(essence(result)).toEqual(essence(whole));
  });

  it('ends like one that was never interrupted, wherever the process was killed', async () => {
    const change: Partial<Recipe> = { epochs: 9, patience: 2 };
    const answerer = await scripted(change, [0.25, 0.75, 0.5, 0.5, 1, 1, 1, 1, 1]);
    const saved: { name: 'last' | 'best'; bytes: Uint8Array }[] = [];
    const testing = await testRun({ recipe: change, change: { checkpointEvery: 1 } });
    const { folder } = testing.run;
    const save = folder.save.bind(folder);
    folder.save = (name, bytes) => {
      saved.push({ name, bytes });
      return save(name, bytes);
    };
    analyticNode(testing.fleet, {}, answerer);
    const whole = await train(testing.run);
    expect(whole).toMatchObject({ stoppedBy: 'patience', epochsCompleted: 4, bestEpoch: 2 });
    expect(saved.length).toBeGreaterThan(12);

    for (let written = 1; written <= saved.length; written++) {
      // What was on disk after so many writes: each is atomic, so there is nothing in between.
      const run = temporaryFolder();
      mkdirSync(path.join(run, 'checkpoints'));
      writeFileSync(path.join(run, 'config.json'), '{}');
      for (const { name, bytes } of saved.slice(0, written)) {
        writeFileSync(path.join(run, 'checkpoints', `${name}.safetensors`), bytes);
      }
      const result = await trainOn(await resumed(run), answerer);
      expect(essence(result), `after ${written} of ${saved.length} writes`).toEqual(essence(whole));
    }
  });

  it('may be interrupted and resumed again and again', async () => {
    const { result: whole } = await sitting({ epochs: 3 });
    const { folder } = await sitting({ epochs: 3, maxSteps: 1 });
    let result: RunResult | undefined;
    for (let maxSteps = 2; maxSteps <= 9; maxSteps++) {
      const run = await resumed(folder, { maxSteps });
      result = await trainOn(run);
      run.folder.close();
    }
    expect(essence(result!)).toEqual(essence(whole));
  });
});

describe('an option that contradicts the run', () => {
  it.each<[Partial<Recipe>, RegExp]>([
    [{ lr: 0.2 }, /lr 0\.2 contradicts .* which has 0\.1; leave it out/],
    [{ seed: 2 }, /seed 2 contradicts/],
    [{ model: 'resnet20' }, /model resnet20 contradicts .* resnet8/],
    [{ batchSize: 16 }, /batchSize 16/],
    [{ milestones: [5] }, /milestones 5 contradicts .* 100,150/],
    [{ augment: false }, /augment false/],
    [{ dataset: 'cifar10' }, /dataset cifar10/],
    [{ trainLimit: 10 }, /trainLimit 10 contradicts .* null/],
  ])('%j is refused, and the folder is free again', async (given, message) => {
    const { folder } = await sitting({ maxSteps: 1 });
    const error = await rejectionOf('E_OPTION', resumeRun(folder, options(given)));
    expect(error.message).toMatch(message);
    await resumed(folder, { maxSteps: 2 }); // the lock is gone
  });

  it('may be repeated as it was, and auto stands for any data set', async () => {
    const { folder } = await sitting({ maxSteps: 1 });
    const run = await resumeRun(
      folder,
      options({ lr: 0.1, seed: 1, milestones: [100, 150], dataset: 'auto' as never, maxSteps: 2 }),
    );
    run.folder.close();
  });

  it('may change where the run ends: steps, patience, epochs', async () => {
    const { folder } = await sitting({ maxSteps: 1 });
    const { recipe: kept } = await resumed(folder, { maxSteps: 7, patience: 1, epochs: 9 });
    expect(kept).toMatchObject({ maxSteps: 7, patience: 1, epochs: 9 });
  });

  it.each(['cosine', 'onecycle'] as const)('but not the epochs of a %s schedule', async (schedule) => {
    const { folder } = await sitting({ maxSteps: 1, schedule });
    const error = await rejectionOf('E_OPTION', resumeRun(folder, options({ epochs: 9 })));
    expect(error.message).toMatch(/schedule .* was made for 2/);
  });
});

describe('a run that is complete', () => {
  it('by its epochs, is not resumed, unless it is given more', async () => {
    const { folder } = await sitting({ epochs: 1 });
    const error = await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
    expect(error.message).toMatch(/3 steps, 1 epochs, stopped by epochs.*--epochs/);
    expect((await resumed(folder, { epochs: 2 })).recipe.epochs).toBe(2);
  });

  it('by its steps, is not resumed, unless it is given more', async () => {
    const { folder } = await sitting({ maxSteps: 2 });
    expect((await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()))).message).toMatch(
      /--max-steps/,
    );
    await resumed(folder, { maxSteps: 3 });
  });

  it('by its patience, is not resumed, unless it is given more', async () => {
    const accuracies = [0.5, 0.25, 0.25];
    const { folder } = await sitting({ epochs: 3, patience: 1 }, await scripted({}, accuracies));
    expect((await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()))).message).toMatch(/--patience/);
    await resumed(folder, { patience: 5 });
  });
});

describe('a folder that cannot be resumed', () => {
  it('holds no run, or a damaged one; it is free again after that', async () => {
    await rejectionOf('E_CHECKPOINT', resumeRun(temporaryFolder(), options()));
    const { folder } = await sitting({ maxSteps: 1 });
    const last = path.join(folder, 'checkpoints', 'last.safetensors');
    writeFileSync(last, 'garbage');
    for (let attempt = 0; attempt < 2; attempt++) {
      expect((await rejectionOf('E_CHECKPOINT', resumeRun(folder, options()))).message).toContain(last);
    }
  });
});
