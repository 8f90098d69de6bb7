import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type * as fsPromises from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { inFlags } from '../../src/cli/options/inFlags.js';
import { resumeRun } from '../../src/session/resume.js';
import { checkResumedEpochs } from '../../src/session/resumedEpochs.js';
import type { ResumedRun } from '../../src/session/resume.js';
import type { TrainingOptions } from '../../src/session/trainingOptions.js';
import { encodeCheckpoint } from '../../src/coordinator/checkpoints/checkpointSnapshot.js';
import type { CheckpointName } from '../../src/coordinator/checkpoints/checkpointFiles.js';
import type { CheckpointSnapshot } from '../../src/coordinator/checkpoints/checkpointSnapshot.js';
import { CheckpointFiles, readCheckpoint, train, TrainingState } from '../../src/coordinator/index.js';
import type { Recipe, RequestedRecipe, RunResult } from '../../src/coordinator/index.js';
import type { NetworkSource } from '../../src/session/requestNetwork.js';
import { analyticNode, evaluatedOf, honest } from '../support/analyticNode.js';
import type { Answerer } from '../support/analyticNode.js';
import { rejectionOf, thrownBy } from '../support/errors.js';
import { recipe } from '../support/recipes.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { tinySet } from '../support/tinySet.js';
import { STEPS_PER_EPOCH, testRun } from '../support/trainingRun.js';

/** Called before every change of a folder that a kill could come before. */
const disk = vi.hoisted(() => ({ beforeChange: undefined as (() => void) | undefined }));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fsPromises>();
  return {
    ...real,
    link: (from: string, to: string) => {
      disk.beforeChange?.();
      return real.link(from, to);
    },
    rename: (from: string, to: string) => {
      disk.beforeChange?.();
      return real.rename(from, to);
    },
  };
});

/** Options of which the user gave only these. */
function options(given: Partial<RequestedRecipe> = {}, network?: NetworkSource): TrainingOptions {
  const requested = { ...recipe(), ...given } as RequestedRecipe;
  return {
    recipe: requested,
    network: network ?? { kind: 'preset', name: requested.model },
    dataDir: 'data',
    engine: 'auto',
    numerics: 'auto',
    device: undefined,
    tune: true,
    precision: 'f32',
    workers: 1,
    checkpointEvery: 100,
    tensorboard: true,
    mlflow: undefined,
    mlflowExperiment: 'lockstep',
    clearml: undefined,
    clearmlProject: 'Lockstep',
    given: new Set(Object.keys(given)),
  };
}

async function resumed(folder: string, given: Partial<RequestedRecipe> = {}): Promise<ResumedRun> {
  const run = await resumeRun(folder, options(given));
  onTestFinished(() => run.folder.close());
  return run;
}

interface FirstSession {
  readonly folder: string;
  readonly result: RunResult;
}

/** A first session that ended as `change` makes it; its folder is free for the next. */
async function firstSession(change: Partial<Recipe>, answerer: Answerer = honest): Promise<FirstSession> {
  const testing = await testRun({ recipe: change });
  analyticNode(testing.fleet, {}, answerer);
  const result = await train(testing.run);
  testing.run.storage.folder.close();
  return { folder: testing.run.storage.folder.folder, result };
}

/** Trains on from what was resumed. */
async function trainOn(
  { folder, recipe: kept, checkpoint, best }: ResumedRun,
  answerer: Answerer = honest,
): Promise<RunResult> {
  const testing = await testRun({
    recipe: kept,
    change: { folder, state: TrainingState.from({ ...checkpoint, best }) },
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
  await firstSession({ ...change, epochs: accuracies.length, patience: 0 }, (item, state) => {
    if (item.type === 'evaluate') {
      byWeights.set(Buffer.from(state.parameters.slice(0, 64)).toString('hex'), accuracies[byWeights.size]!);
    }
    return honest(item, state);
  });
  return scoringByWeights(byWeights);
}

/** What lies in the checkpoints folder: name to content. */
type DiskState = ReadonlyMap<string, Uint8Array>;

function diskStateOf(folder: string): DiskState {
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(path.join(folder, name))]));
}

function folderWith(state: DiskState): string {
  const run = temporaryFolder();
  mkdirSync(path.join(run, 'checkpoints'));
  writeFileSync(path.join(run, 'config.json'), '{}');
  for (const [name, content] of state) writeFileSync(path.join(run, 'checkpoints', name), content);
  return run;
}

interface Replay {
  readonly whole: RunResult;
  /** From the first checkpoint on, as a process finds them that is killed before any single link or rename. */
  readonly states: readonly DiskState[];
  readonly answerer: Answerer;
}

let replay: Promise<Replay> | undefined;
const everyStateOnDisk = (): Promise<Replay> => (replay ??= replayedRun());

/** A run that saves after each step, stops by its patience, and has its best epoch in the middle. */
async function replayedRun(): Promise<Replay> {
  const change: Partial<Recipe> = { epochs: 5, patience: 1 };
  const answerer = await scripted(change, [0.25, 0.75, 0.5, 1, 1]);
  const saved: { name: CheckpointName; snapshot: CheckpointSnapshot }[] = [];
  const testing = await testRun({ recipe: change, change: { checkpointEvery: 1 } });
  const { folder } = testing.run.storage;
  const save = folder.save.bind(folder);
  folder.save = (name, snapshot, onOutcome) => {
    saved.push({ name, snapshot });
    save(name, snapshot, onOutcome);
  };
  analyticNode(testing.fleet, {}, answerer);
  const whole = await train(testing.run);
  expect(whole).toMatchObject({ stoppedBy: 'patience', epochsCompleted: 3, bestEpoch: 2 });
  expect(saved.length).toBeGreaterThan(12);

  const checkpoints = temporaryFolder();
  const files = new CheckpointFiles(checkpoints);
  const states: DiskState[] = [];
  disk.beforeChange = () => states.push(diskStateOf(checkpoints));
  for (const { name, snapshot } of saved) await files.write(name, await snapshot.encode());
  disk.beforeChange = undefined;
  states.push(diskStateOf(checkpoints));
  return { whole, answerer, states: states.filter((state) => state.has('last.safetensors')) };
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
    const { folder } = await firstSession({ maxSteps: 2, lr: 0.05, seed: 9, schedule: 'cosine' });
    const { recipe: kept, checkpoint } = await resumed(folder, { maxSteps: 5 });
    expect(kept).toMatchObject({ maxSteps: 5, lr: 0.05, seed: 9, schedule: 'cosine' });
    expect(checkpoint.progress.step).toBe(2);
  });

  it.each([1, 2, 3, 4, 5])('after %i steps ends like one that was never interrupted', async (maxSteps) => {
    const { result: whole } = await firstSession({});
    const { folder } = await firstSession({ maxSteps });
    const result = await trainOn(await resumed(folder, { maxSteps: 1000 }));
    expect(essence(result)).toEqual(essence(whole));
  });

  it('ends like one that was never interrupted, wherever the process was killed', async () => {
    const { whole, states, answerer } = await everyStateOnDisk();
    for (const [index, state] of states.entries()) {
      const run = await resumed(folderWith(state));
      expect(run.notices, `state ${index}`).toEqual([]);
      expect(essence(await trainOn(run, answerer)), `state ${index}`).toEqual(essence(whole));
    }
  });

  it('does so from the checkpoint before the last, if the last is damaged', async () => {
    const { whole, states, answerer } = await everyStateOnDisk();
    const withPrevious = states.filter(
      (state, index) => index % 3 === 0 && state.has('previous.safetensors'),
    );
    expect(withPrevious.length).toBeGreaterThan(8);
    for (const [index, state] of withPrevious.entries()) {
      const last = Buffer.from(state.get('last.safetensors')!);
      last[last.byteLength - 1000]! ^= 4;
      const folder = folderWith(new Map([...state, ['last.safetensors', last]]));
      const run = await resumed(folder);
      expect(run.notices).toEqual([expect.stringMatching(/LAST CHECKPOINT IS DAMAGED.*last\.safetensors/)]);
      expect(essence(await trainOn(run, answerer)), `state ${index}`).toEqual(essence(whole));
      run.folder.close();
      await readCheckpoint(run.folder.checkpointFile('last'));
      await readCheckpoint(run.folder.checkpoints.previousFile); // a damaged one has not become the previous
    }
  });

  it('knows its best weights from the last checkpoint, whatever becomes of the file of the best', async () => {
    const { whole, states, answerer } = await everyStateOnDisk();
    for (const content of [undefined, Buffer.from('garbage')]) {
      const state = new Map(states.at(-1));
      if (content) state.set('best.safetensors', content);
      else state.delete('best.safetensors');
      const run = await resumed(folderWith(state));
      expect(run.notices).toEqual([expect.stringMatching(/best\.safetensors.*Training does not need it/)]);
      expect(essence(await trainOn(run, answerer))).toEqual(essence(whole));
    }
  });

  it('takes them from the file of the best in a run of an older version', async () => {
    const { whole, states, answerer } = await everyStateOnDisk();
    const state = new Map(states.at(-1));
    const file = path.join(temporaryFolder(), 'last');
    writeFileSync(file, state.get('last.safetensors')!);
    const { model, ...checkpoint } = await readCheckpoint(file);
    expect(checkpoint.best).toBeDefined();
    state.set('last.safetensors', await encodeCheckpoint({ ...checkpoint, best: undefined }, model));
    const run = await resumed(folderWith(state));
    expect(run.notices).toEqual([]);
    expect(essence(await trainOn(run, answerer))).toEqual(essence(whole));
  });

  it('may be interrupted and resumed again and again', async () => {
    const { result: whole } = await firstSession({ epochs: 3 });
    const { folder } = await firstSession({ epochs: 3, maxSteps: 1 });
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
  it.each<[Partial<RequestedRecipe>, RegExp]>([
    [{ lr: 0.2 }, /^lr 0\.2 contradicts the run in .*, which has 0\.1; leave lr out, or start a new run$/],
    [{ seed: 2 }, /^seed 2 contradicts/],
    [{ model: 'resnet20' }, /^model resnet20 contradicts .* resnet8/],
    [{ batchSize: 16 }, /^batchSize 16/],
    [{ milestones: [5] }, /^milestones 5 contradicts .* 100,150/],
    [{ augment: false }, /^augment false contradicts the run in .*, which began without it/],
    [{ dataset: 'cifar10' }, /^dataset cifar10/],
    [{ trainLimit: 10 }, /^trainLimit 10 contradicts .* has none/],
  ])('%j is refused, and the folder is free again', async (given, message) => {
    const { folder } = await firstSession({ maxSteps: 1 });
    const error = await rejectionOf('E_OPTION', resumeRun(folder, options(given)));
    expect(error.message).toMatch(message);
    await resumed(folder, { maxSteps: 2 }); // the lock is gone
  });

  it('may be repeated as it was, and auto stands for any data set', async () => {
    const { folder } = await firstSession({ maxSteps: 1 });
    const run = await resumeRun(
      folder,
      options({ lr: 0.1, seed: 1, milestones: [100, 150], dataset: 'auto', maxSteps: 2 }),
    );
    run.folder.close();
  });

  it('may change where the run ends: steps, patience, epochs', async () => {
    const { folder } = await firstSession({ maxSteps: 1 });
    const { recipe: kept } = await resumed(folder, { maxSteps: 7, patience: 1, epochs: 9 });
    expect(kept).toMatchObject({ maxSteps: 7, patience: 1, epochs: 9 });
  });

  it.each(['cosine', 'triangular', 'onecycle'] as const)(
    'but not the epochs of a %s schedule',
    async (schedule) => {
      const { folder } = await firstSession({ maxSteps: 1, schedule });
      const error = await rejectionOf('E_OPTION', resumeRun(folder, options({ epochs: 9 })));
      expect(error.message).toMatch(
        /^epochs 9 would change the .* schedule of the run in .*, which was made for 2; leave epochs out$/,
      );
    },
  );
});

describe('a run that is complete', () => {
  /** As the command line puts it, and as a program reads it: without flags. */
  async function refusalOf(folder: string): Promise<string> {
    const error = await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
    expect(error.message).not.toContain('--');
    return (inFlags(error) as Error).message;
  }

  it('by its epochs, is not resumed, unless it is given more', async () => {
    const { folder } = await firstSession({ epochs: 1 });
    expect(await refusalOf(folder)).toMatch(
      /3 steps, 1 epoch, stopped by epochs; see .*result\.json, or give more --epochs if/,
    );
    expect((await resumed(folder, { epochs: 2 })).recipe.epochs).toBe(2);
  });

  it('by its steps, is not resumed, unless it is given more', async () => {
    const { folder } = await firstSession({ maxSteps: 2 });
    expect(await refusalOf(folder)).toMatch(/; give a higher --max-steps, or --max-steps none to go on$/);
    (await resumed(folder, { maxSteps: 3 })).folder.close();
    expect((await resumed(folder, { maxSteps: null })).recipe.maxSteps).toBeNull();
  });

  it('by its patience, is not resumed, unless it is given more', async () => {
    const accuracies = [0.5, 0.25, 0.25];
    const { folder } = await firstSession({ epochs: 3, patience: 1 }, await scripted({}, accuracies));
    expect(await refusalOf(folder)).toMatch(/; give a higher --patience to go on$/);
    await resumed(folder, { patience: 5 });
  });
});

describe('a run that is given a fraction of an epoch', () => {
  it.each([1, 1.4])('ends at once if it has more steps than that: epochs %s', async (epochs) => {
    const { folder } = await firstSession({ epochs: 3, maxSteps: 5 });
    const run = await resumed(folder, { epochs, maxSteps: null });
    checkResumedEpochs(run, STEPS_PER_EPOCH);
    const result = await trainOn(run);
    expect(result).toMatchObject({ stoppedBy: 'epochs', stepsCompleted: 5, epochsCompleted: 1 });
    run.folder.close();
    await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
    const { result: whole } = await firstSession({ epochs: 3 });
    const longer = await resumed(folder, { epochs: 3 });
    checkResumedEpochs(longer, STEPS_PER_EPOCH);
    expect(essence(await trainOn(longer))).toEqual(essence(whole));
  });

  it('and has just these steps, completes the epoch that they cut short', async () => {
    const { result: whole } = await firstSession({ epochs: 1.4 });
    expect(whole).toMatchObject({ stepsCompleted: 4, epochsCompleted: 2 });
    const { folder } = await firstSession({ epochs: 3, maxSteps: 4 });
    const run = await resumed(folder, { epochs: 1.4, maxSteps: null });
    checkResumedEpochs(run, STEPS_PER_EPOCH);
    expect(essence(await trainOn(run))).toEqual(essence(whole));
  });

  it('that ended after whole epochs, since its steps were rounded, goes on', async () => {
    const { folder, result } = await firstSession({ epochs: 1.9 });
    expect(result).toMatchObject({ stepsCompleted: 6, epochsCompleted: 2 });
    const { result: whole } = await firstSession({ epochs: 3 });
    const run = await resumed(folder, { epochs: 3 });
    checkResumedEpochs(run, STEPS_PER_EPOCH);
    expect(essence(await trainOn(run))).toEqual(essence(whole));
  });

  it('that ended in the middle of an epoch does not go on, and is complete for fewer steps', async () => {
    const { folder } = await firstSession({ epochs: 1.4 });
    for (const epochs of [1.7, 2, 3]) {
      const run = await resumed(folder, { epochs });
      const { message } = thrownBy('E_OPTION', () => checkResumedEpochs(run, STEPS_PER_EPOCH));
      expect(message).toMatch(
        /^epochs [\d.]+ would go on with the run in .*, which ended in the middle of epoch 2; leave epochs out, or start a new run$/,
      );
      run.folder.close();
    }
    for (const epochs of [0.7, 1, 1.2]) {
      const run = await resumed(folder, { epochs });
      const { message } = thrownBy('E_RUN_COMPLETE', () => checkResumedEpochs(run, STEPS_PER_EPOCH));
      expect(message).toMatch(/is complete: 4 steps, 2 epochs, stopped by epochs; .*give more epochs/);
      run.folder.close();
    }
    await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
  });
});

describe('a run whose training is done, but not its test', () => {
  const answerTests =
    (accuracy: number): Answerer =>
    (item, state) =>
      item.type === 'work'
        ? honest(item, state)
        : { ...evaluatedOf(item, state), correct: Math.round(accuracy * item.labels.length) };

  /** A session that dies or is stopped during its test. */
  async function untested(change: Partial<Recipe>, end: 'dies' | 'is stopped'): Promise<string> {
    const testing = await testRun({
      recipe: { valSize: 0, ...change },
      change: { openTestSet: () => Promise.resolve(tinySet(10)) },
      waitTimeoutMs: 5,
    });
    const node = analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'work') return honest(item, state);
      if (end === 'dies') node.hangUp();
      else testing.stop.abort(new Error('SIGINT'));
      return undefined;
    });
    if (end === 'dies') await rejectionOf('E_NO_WORKERS', train(testing.run));
    else await train(testing.run);
    const { folder } = testing.run.storage;
    await folder.writeConfig({ ...testing.run.training.recipe, test: true });
    folder.close();
    return folder.folder;
  }

  it.each([
    ['its last worker dies', { epochs: 1 }, 'dies'],
    ['its last worker dies', { maxSteps: 2 }, 'dies'],
    ['it is stopped', { epochs: 1 }, 'is stopped'],
    ['it is stopped', { maxSteps: 2 }, 'is stopped'],
  ] as const)('because %s (%j), is tested when it is resumed, and then complete', async (_, change, end) => {
    const run = await resumed(await untested(change, end));
    const testing = await testRun({
      recipe: run.recipe,
      change: {
        folder: run.folder,
        state: TrainingState.from({ ...run.checkpoint, best: run.best }),
        openTestSet: () => Promise.resolve(tinySet(10)),
      },
    });
    analyticNode(testing.fleet, {}, answerTests(0.5));
    expect(await train(testing.run)).toMatchObject({
      testAccuracy: 0.5,
      stoppedBy: 'epochs' in change ? 'epochs' : 'max-steps',
    });
    run.folder.close();
    await rejectionOf('E_RUN_COMPLETE', resumeRun(run.folder.folder, options()));
  });

  it('is resumed if it is asked for the test only now', async () => {
    const { folder } = await firstSession({ epochs: 1 });
    await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
    const run = await resumeRun(folder, options(), { test: true });
    run.folder.close();
  });
});

describe('the files beside the checkpoint', () => {
  it.each(['', '{"stoppedBy":"epo', 'null'])(
    'a result that is damaged (%j) is written again',
    async (content) => {
      const { folder, result: whole } = await firstSession({ epochs: 1 });
      writeFileSync(path.join(folder, 'result.json'), content);
      const run = await resumed(folder);
      expect(run.notices).toEqual([expect.stringMatching(/result\.json.*written again when the run ends/)]);
      expect(essence(await trainOn(run))).toEqual(essence(whole));
      run.folder.close();
      await rejectionOf('E_RUN_COMPLETE', resumeRun(folder, options()));
    },
  );

  it('an edited learning rate is not used, and said', async () => {
    const { folder } = await firstSession({ maxSteps: 1 });
    writeFileSync(path.join(folder, 'config.json'), '{"lr":0.5}');
    const run = await resumed(folder, { maxSteps: 2 });
    expect(run.recipe.lr).toBe(0.1);
    expect(run.notices).toEqual([expect.stringContaining('"lr": 0.5')]);
  });

  it('a configuration that options would refuse is refused, and the folder is free again', async () => {
    const { folder } = await firstSession({ maxSteps: 1 });
    writeFileSync(path.join(folder, 'config.json'), '{"test":"no"}');
    for (let attempt = 0; attempt < 2; attempt++) await rejectionOf('E_OPTION', resumeRun(folder, options()));
  });
});

describe('a folder that cannot be resumed', () => {
  it('holds the checkpoint of another run', async () => {
    const { folder } = await firstSession({ maxSteps: 1 });
    writeFileSync(path.join(folder, 'config.json'), '{"seed":2}');
    const { message } = await rejectionOf('E_CHECKPOINT', resumeRun(folder, options()));
    expect(message).toMatch(/of another run: its seed is 1, and .*config\.json says 2/);
  });

  it('holds no run, or a damaged one; it is free again after that', async () => {
    await rejectionOf('E_CHECKPOINT', resumeRun(temporaryFolder(), options()));
    const { folder } = await firstSession({ maxSteps: 1 });
    const [last, previous] = ['last', 'previous'].map((name) =>
      path.join(folder, 'checkpoints', `${name}.safetensors`),
    ) as [string, string];
    for (const file of [last, previous]) writeFileSync(file, 'garbage');
    for (let attempt = 0; attempt < 2; attempt++) {
      const { message } = await rejectionOf('E_CHECKPOINT', resumeRun(folder, options()));
      for (const file of [last, previous]) expect(message).toContain(file);
    }
  });
});
