import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { readCheckpoint, train, TrainingState } from '../../../src/coordinator/index.js';
import type { RunResult, TrainingRun } from '../../../src/coordinator/index.js';
import { gatherSamples, planEpoch } from '../../../src/data/index.js';
import type { ImageSet } from '../../../src/data/index.js';
import { LockstepError } from '../../../src/foundation/errors.js';
import { digestState, initialiseModel } from '../../../src/model/index.js';
import {
  analyticNode,
  evaluatedOf,
  floatsOf,
  gradientSumOf,
  honest,
  logitsOf,
  meanPixelOf,
  resultOf,
} from '../../support/analyticNode.js';
import type { Answerer } from '../../support/analyticNode.js';
import { rejectionOf } from '../../support/errors.js';
import { workers } from '../../support/messages.js';
import { largestRelativeError } from '../../support/numbers.js';
import { tinySet } from '../../support/tinySet.js';
import { eventsOf, noticesOf, STEPS_PER_EPOCH, testRun } from '../../support/trainingRun.js';
import type { TestRun, TestRunOptions } from '../../support/trainingRun.js';
import { settled, until } from '../../support/waiting.js';

/** Trains with one honest node; a digest to compare others with. */
async function trained(options: TestRunOptions = {}): Promise<TestRun & { result: RunResult }> {
  const testing = await testRun(options);
  analyticNode(testing.fleet);
  return { ...testing, result: await train(testing.run) };
}

/** Answers evaluations with these shares of right answers, one an evaluation (each here has one chunk). */
function scoring(accuracies: readonly number[]): Answerer {
  const scores = [...accuracies];
  return (item, state) => {
    if (item.type === 'work') return honest(item, state);
    const accuracy = scores.shift();
    if (accuracy === undefined) throw new Error('more evaluations than the test expects');
    return { ...evaluatedOf(item, state), correct: Math.round(accuracy * item.labels.length) };
  };
}

/** In an epoch over all samples, without validation. */
const STEPS_IN_ALL = 5;

/** SGD written out anew, in float64: the parameters and running statistics after some steps. */
function expectedState(
  { run }: TestRun,
  stepCount: number,
): { parameters: Float64Array; statistics: Float64Array } {
  const initial = initialiseModel(run.training.model, run.training.recipe.seed);
  const parameters = Float64Array.from(initial.parameters);
  const statistics = Float64Array.from(initial.statistics);
  const velocity = new Float64Array(parameters.length);
  for (let step = 0; step < stepCount; step++) {
    const { steps } = planEpoch({
      trainingIndices: run.data.split.training,
      seed: run.training.recipe.seed,
      epoch: Math.floor(step / STEPS_PER_EPOCH),
      batchSize: 8,
      microBatchSize: 4,
    });
    const samples = steps[step % STEPS_PER_EPOCH]!.microBatches.flatMap((part) => [...part.samples]);
    const { pixels, labels } = gatherSamples(run.data.set, samples);
    const gradient = gradientSumOf(Float32Array.from(parameters), labels);
    parameters.forEach((value, index) => {
      const speed = 0.9 * velocity[index]! + gradient[index]! / labels.length + 1e-4 * value;
      velocity[index] = speed;
      parameters[index] = value - 0.1 * speed;
    });
    const mean = meanPixelOf(pixels);
    statistics.forEach((value, index) => (statistics[index] = 0.9 * value + 0.1 * (mean + index)));
  }
  return { parameters, statistics };
}

describe('a run to its end', () => {
  it('makes the steps of SGD: its weights agree with a plain calculation', async () => {
    const testing = await trained();
    const expected = expectedState(testing, 2 * STEPS_PER_EPOCH);
    const { state } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    expect(largestRelativeError(state.parameters, expected.parameters)).toBeLessThan(1e-5);
    expect(largestRelativeError(state.statistics, expected.statistics)).toBeLessThan(1e-5);
  });

  it('tells who computed how much of each epoch', async () => {
    const { run, fleet, events } = await testRun();
    const nodes = ['one', 'two'].map((nodeName) => analyticNode(fleet, { nodeName }));
    await train(run);
    const samplesOf = ({ items }: (typeof nodes)[number], steps: readonly number[]): number =>
      items.reduce(
        (sum, item) => sum + (item.type === 'work' && steps.includes(item.step) ? item.labels.length : 0),
        0,
      );
    for (const [epoch, { workers }] of eventsOf(events, 'epoch').entries()) {
      const steps = Array.from({ length: STEPS_PER_EPOCH }, (_, step) => epoch * STEPS_PER_EPOCH + step);
      expect(workers.reduce((sum, { samples }) => sum + samples, 0)).toBe(8 * STEPS_PER_EPOCH);
      // An item may be given to both, but only one answer is used.
      const given = { one: samplesOf(nodes[0]!, steps), two: samplesOf(nodes[1]!, steps) };
      for (const { node, samples } of workers) {
        expect(samples).toBeLessThanOrEqual(given[node as keyof typeof given]);
      }
    }
  });

  it('tells of each step and each epoch, in order, and writes the result', async () => {
    const { events, result, run } = await trained();
    const told = events.flatMap((event) =>
      event.event === 'step'
        ? [`step ${event.step}`]
        : event.event === 'epoch'
          ? [`epoch ${event.epoch}`]
          : [],
    );
    expect(told).toEqual(['step 1', 'step 2', 'step 3', 'epoch 1', 'step 4', 'step 5', 'step 6', 'epoch 2']);
    for (const step of eventsOf(events, 'step')) expect(step).toMatchObject({ samples: 8, lr: 0.1 });
    const epochs = eventsOf(events, 'epoch');
    expect(epochs[1]!.weightsSha256).toBe(result.lastWeightsSha256);
    expect(result).toMatchObject({
      stepsCompleted: 6,
      epochsCompleted: 2,
      stoppedBy: 'epochs',
      dataset: 'synthetic',
      engine: 'wasm',
      numericsClasses: ['test-class'],
      exact: true,
      testAccuracy: null,
      testLoss: null,
    });
    expect(events.at(-1)).toEqual({ event: 'run-finished', ...result });
    expect(JSON.parse(readFileSync(path.join(run.storage.folder.folder, 'result.json'), 'utf8'))).toEqual(
      result,
    );
  });

  it('means over the samples of an epoch what it says of the epoch', async () => {
    const { events } = await trained();
    const steps = eventsOf(events, 'step').slice(0, STEPS_PER_EPOCH);
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    const [epoch] = eventsOf(events, 'epoch');
    expect(epoch!.trainLoss).toBeCloseTo(mean(steps.map(({ loss }) => loss)), 12);
    expect(epoch!.trainAccuracy).toBeCloseTo(mean(steps.map(({ accuracy }) => accuracy)), 12);
  });

  it('ends in the same bits with one node, with three, and with nodes that come and go', async () => {
    const { result: alone } = await trained();
    const three = await testRun();
    for (const threads of [1, 2, 3]) analyticNode(three.fleet, { threads });
    const changing = await testRun();
    let items = 0;
    const leaving = analyticNode(changing.fleet, {}, (item, state) => {
      if (++items === 5) leaving.hangUp();
      if (items === 3) analyticNode(changing.fleet, { threads: 2 });
      return honest(item, state);
    });
    for (const { run } of [three, changing]) {
      const result = await train(run);
      expect(result.weightsSha256).toBe(alone.weightsSha256);
      expect(result.lastWeightsSha256).toBe(alone.lastWeightsSha256);
      expect(result.bestValidationAccuracy).toBe(alone.bestValidationAccuracy);
    }
  });

  it('may end within an epoch, which is then validated, and with the rates of so many steps', async () => {
    const options = { recipe: { epochs: 2.3, schedule: 'triangular' as const } }; // 6.9 steps
    const { result, events, run } = await trained(options);
    expect(result).toMatchObject({ stepsCompleted: 7, epochsCompleted: 3, stoppedBy: 'epochs' });
    expect(eventsOf(events, 'epoch').map(({ epoch, step }) => [epoch, step])).toEqual([
      [1, 3],
      [2, 6],
      [3, 7],
    ]);
    expect(eventsOf(events, 'step').map(({ lr }) => lr)).toEqual(
      Array.from({ length: 7 }, (_, step) => (0.1 * (7 - step)) / 7),
    );
    const { progress } = await readCheckpoint(run.storage.folder.checkpointFile('last'));
    expect(progress).toMatchObject({ step: 7, epoch: 3, stepInEpoch: 0 });
  });

  it.each([4, 6, 7])('ends in the same bits if it is interrupted after step %d of 7', async (last) => {
    const options = { recipe: { epochs: 2.3 } };
    const { result } = await trained(options);
    const interrupted: TestRun = await testRun({
      ...options,
      onEvent: (event) => {
        if (event.event === 'step' && event.step === last) interrupted.stop.abort(new Error('enough'));
      },
    });
    analyticNode(interrupted.fleet);
    await train(interrupted.run);
    const { folder } = interrupted.run.storage;
    const saved = await readCheckpoint(folder.checkpointFile('last'));
    expect(saved.progress.step).toBe(last);
    const state = TrainingState.from({ ...saved, best: saved.best });
    const again = await testRun({ ...options, change: { folder, state } });
    analyticNode(again.fleet);
    expect((await train(again.run)).lastWeightsSha256).toBe(result.lastWeightsSha256);
  });

  it('depends on the seed', async () => {
    const { result } = await trained();
    expect((await trained({ recipe: { seed: 2 } })).result.weightsSha256).not.toBe(result.weightsSha256);
    expect((await trained()).result.weightsSha256).toBe(result.weightsSha256);
  });

  it('saves as often as it is asked to, and at the end of each epoch', async () => {
    const testing = await testRun({ change: { checkpointEvery: 2 } });
    analyticNode(testing.fleet);
    const save = vi.spyOn(testing.run.storage.folder, 'save');
    await train(testing.run);
    const stepsOf = (wanted: string): number[] =>
      save.mock.calls.flatMap(([name, { step }]) => (name === wanted ? [step] : []));
    expect(stepsOf('last')).toEqual([0, 2, 3, 4, 6, 6, 6]);
    expect(stepsOf('best')).toContain(3);
    const last = eventsOf(testing.events, 'checkpoint').filter(({ file }) => file.includes('last'));
    expect(last.at(-1)).toMatchObject({ step: 6 }); // those between may have been overtaken
    expect(last.at(-1)!.byteCount).toBe(statSync(last.at(-1)!.file).size);
  });

  it('does without validation samples', async () => {
    const { result, events } = await trained({ recipe: { valSize: 0, patience: 1 } });
    expect(result).toMatchObject({ bestEpoch: null, bestValidationAccuracy: null, stoppedBy: 'epochs' });
    expect(result.weightsSha256).toBe(result.lastWeightsSha256);
    expect(eventsOf(events, 'epoch')[0]).toMatchObject({
      validationLoss: null,
      validationAccuracy: null,
      best: false,
    });
  });
});

describe('early stopping', () => {
  it('stops when the patience is over, with the weights of the best epoch restored', async () => {
    const testing = await testRun({ recipe: { epochs: 50, patience: 2 } });
    analyticNode(testing.fleet, {}, scoring([0.5, 0.75, 0.25, 0.75]));
    const result = await train(testing.run);
    const epochs = eventsOf(testing.events, 'epoch');
    expect(result).toMatchObject({
      stoppedBy: 'patience',
      epochsCompleted: 4,
      bestEpoch: 2,
      bestValidationAccuracy: 0.75,
    });
    expect(epochs.map(({ best }) => best)).toEqual([true, true, false, false]);
    expect(result.weightsSha256).toBe(epochs[1]!.weightsSha256);
    expect(result.lastWeightsSha256).toBe(epochs[3]!.weightsSha256);
    expect(result.weightsSha256).not.toBe(result.lastWeightsSha256);
  });

  it('keeps the best in its own checkpoint, and the last step in the other', async () => {
    const testing = await testRun({ recipe: { epochs: 3 } });
    analyticNode(testing.fleet, {}, scoring([0.5, 0.75, 0.25]));
    const result = await train(testing.run);
    const digestOf = async (name: 'best' | 'last'): Promise<string> =>
      digestState((await readCheckpoint(testing.run.storage.folder.checkpointFile(name))).state);
    expect(await digestOf('best')).toBe(result.weightsSha256);
    expect(await digestOf('last')).toBe(result.lastWeightsSha256);
  });

  it('restores the best after the last epoch, too', async () => {
    const testing = await testRun({ recipe: { epochs: 2 } });
    analyticNode(testing.fleet, {}, scoring([0.5, 0.25]));
    const result = await train(testing.run);
    expect(result).toMatchObject({ stoppedBy: 'epochs', bestEpoch: 1 });
    expect(result.weightsSha256).toBe(eventsOf(testing.events, 'epoch')[0]!.weightsSha256);
  });

  it('never stops with a patience of 0', async () => {
    const testing = await testRun({ recipe: { epochs: 6, patience: 0 } });
    analyticNode(testing.fleet, {}, scoring([0.5, 0.4, 0.3, 0.2, 0.1, 0]));
    expect(await train(testing.run)).toMatchObject({ stoppedBy: 'epochs', epochsCompleted: 6, bestEpoch: 1 });
  });
});

describe('a limit of steps', () => {
  it('ends the run with the average where there is one, and keeps the weights to go on from', async () => {
    const { result, run } = await trained({ recipe: { maxSteps: 2, averaging: 'ema', emaDecay: 0.9 } });
    const { state, averaged } = await readCheckpoint(run.storage.folder.checkpointFile('last'));
    expect(digestState(state)).toBe(result.lastWeightsSha256);
    expect(digestState(averaged!)).toBe(result.weightsSha256);
    expect(result.weightsSha256).not.toBe(result.lastWeightsSha256);
  });

  it.each([1, 2, 3, 4])('ends the run after %i, with the weights as they are then', async (maxSteps) => {
    const testing = await trained({ recipe: { maxSteps, epochs: 5 } });
    expect(testing.result).toMatchObject({ stoppedBy: 'max-steps', stepsCompleted: maxSteps });
    expect(testing.result.weightsSha256).toBe(testing.result.lastWeightsSha256);
    const { state } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    const expected = expectedState(testing, maxSteps);
    expect(largestRelativeError(state.parameters, expected.parameters)).toBeLessThan(1e-5);
  });
});

describe('a signal', () => {
  it.each([0, 1, 2, 3, 5])(
    'in the middle of the step after %i leaves the weights of whole steps',
    async (whole) => {
      const testing = await testRun();
      let begun = 0;
      analyticNode(testing.fleet, {}, (item, state) => {
        if (item.type === 'work' && item.step === whole && ++begun === 2)
          testing.stop.abort(new Error('SIGINT'));
        return honest(item, state);
      });
      const result = await train(testing.run);
      expect(result).toMatchObject({ stoppedBy: 'signal', stepsCompleted: whole });
      const saved = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
      expect(saved.progress).toMatchObject({ step: whole, stepInEpoch: whole % STEPS_PER_EPOCH });
      expect(digestState(saved.state)).toBe(result.weightsSha256);
      if (whole === 0) return;
      const { result: limited } = await trained({ recipe: { maxSteps: whole } });
      expect(result.weightsSha256).toBe(limited.weightsSha256);
    },
  );

  it('in the middle of an evaluation keeps the whole epoch’s steps', async () => {
    const testing = await testRun();
    analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'evaluate') testing.stop.abort(new Error('SIGINT'));
      return honest(item, state);
    });
    const result = await train(testing.run);
    expect(result).toMatchObject({ stoppedBy: 'signal', stepsCompleted: 3, epochsCompleted: 0 });
  });

  it('before the first step trains nothing', async () => {
    const testing = await testRun();
    testing.stop.abort(new Error('SIGINT'));
    analyticNode(testing.fleet);
    const result = await train(testing.run);
    expect(result).toMatchObject({ stoppedBy: 'signal', stepsCompleted: 0, exact: true });
    expect(result.weightsSha256).toBe(
      digestState(TrainingState.fresh(testing.run.training.model, { seed: 1, averaging: 'none' }).model),
    );
  });
});

describe('the test set', () => {
  it('is opened once, when all training is done, and evaluated with the final weights', async () => {
    const openTestSet = vi.fn(() => Promise.resolve(tinySet(7)));
    const testing = await testRun({
      change: { openTestSet },
      onEvent: ({ event }) => {
        if (event === 'step' || event === 'epoch') expect(openTestSet).not.toHaveBeenCalled();
      },
    });
    const node = analyticNode(testing.fleet, {}, scoring([0.75, 0.5, 6 / 7]));
    const result = await train(testing.run);
    expect(openTestSet).toHaveBeenCalledTimes(1);
    expect(result).toMatchObject({ testAccuracy: 6 / 7, testLoss: 0.5, bestEpoch: 1 });
    expect(eventsOf(testing.events, 'test')).toEqual([
      { event: 'test', testAccuracy: 6 / 7, testLoss: 0.5, testSamples: 7 },
    ]);
    const { parameters, statistics } = node.states.at(-1)!;
    const evaluated = { parameters: floatsOf(parameters), statistics: floatsOf(statistics) };
    expect(digestState(evaluated)).toBe(result.weightsSha256);
  });

  it('is told of with the logits, the checkpoint of the weights, and who evaluated it', async () => {
    const onTested = vi.fn<NonNullable<TrainingRun['data']['onTested']>>(() => Promise.resolve());
    const set = tinySet(7);
    const testing = await testRun({ change: { openTestSet: () => Promise.resolve(set), onTested } });
    const change = { engine: 'simd', numericsClass: 'simd-fma' } as const;
    analyticNode(testing.fleet, change, scoring([0.75, 0.5, 6 / 7]));
    const { weightsSha256 } = await train(testing.run);
    expect(onTested).toHaveBeenCalledTimes(1);
    const [{ logits, ...tested }] = onTested.mock.calls[0]!;
    expect(tested).toMatchObject({
      ...{ set, epoch: 1, weightsSha256, engines: ['simd'], score: { accuracy: 6 / 7 } },
      numericsClasses: ['simd-fma'],
    });
    expect((await readCheckpoint(tested.checkpoint)).progress.epoch).toBe(1);
    const { labels } = gatherSamples(set, [...Array(7).keys()]);
    expect(logits).toEqual(logitsOf(labels));
  });

  it.each([
    ['epochs', {}],
    ['max-steps', { maxSteps: 2 }],
  ] as const)(
    'whose evaluation is stopped by hand leaves the run unfinished, after %s',
    async (_, recipe) => {
      const testing = await testRun({
        recipe: { ...recipe, valSize: 0 },
        change: { openTestSet: () => Promise.resolve(tinySet(7)) },
      });
      analyticNode(testing.fleet, {}, (item, state) => {
        if (item.type === 'evaluate') testing.stop.abort(new Error('SIGINT'));
        return item.type === 'evaluate' ? undefined : honest(item, state);
      });
      const result = await train(testing.run);
      expect(result).toMatchObject({ stoppedBy: 'signal', testAccuracy: null });
      expect(await testing.run.storage.folder.readResult()).toMatchObject({
        stoppedBy: 'signal',
        testAccuracy: null,
      });
    },
  );

  it('whose loss is not finite ends the run with E_DIVERGED', async () => {
    const openTestSet = (): Promise<ImageSet> => Promise.resolve(tinySet(7));
    const testing = await testRun({ recipe: { valSize: 0 }, change: { openTestSet } });
    analyticNode(testing.fleet, {}, (item, state) =>
      item.type === 'evaluate' ? { ...evaluatedOf(item, state), lossSum: NaN } : honest(item, state),
    );
    const { message } = await rejectionOf('E_DIVERGED', train(testing.run));
    expect(message).toContain('on the test set');
  });

  it('stays closed in a run that is stopped by hand', async () => {
    const openTestSet = vi.fn(() => Promise.resolve(tinySet(7)));
    const stopped = await testRun({ change: { openTestSet } });
    stopped.stop.abort(new Error('SIGINT'));
    await train(stopped.run);
    expect(openTestSet).not.toHaveBeenCalled();
  });
});

describe('what goes wrong', () => {
  it('loses nothing before it: with nobody left, the whole steps are saved', async () => {
    const testing = await testRun({ waitTimeoutMs: 5 });
    const node = analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'work' && item.step === 4) node.hangUp();
      return honest(item, state);
    });
    await rejectionOf('E_NO_WORKERS', train(testing.run));
    const { progress, state } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    expect(progress.step).toBe(4);
    const { result } = await trained({ recipe: { maxSteps: 4 } });
    expect(digestState(state)).toBe(result.weightsSha256);
  });

  it('a loss that is not finite, twice, stops the run, with what was there before its epoch saved', async () => {
    const testing = await testRun({ change: { checkpointEvery: 1 } });
    analyticNode(testing.fleet, {}, (item, state) =>
      item.type === 'work' && item.step === 2
        ? { ...resultOf(item, state), lossSum: Infinity }
        : honest(item, state),
    );
    const error = await rejectionOf('E_DIVERGED', train(testing.run));
    expect(error.message).toContain('step 3');
    const { progress, state } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    expect(progress.step).toBe(0);
    expect(state.parameters.every(Number.isFinite)).toBe(true);
  });

  /** Honest until the update of a step, which the gradient makes as large as is wanted. */
  const exploding =
    (step: number, gradient: number): Answerer =>
    (item, state) => {
      const answer = honest(item, state);
      if (item.type !== 'work' || item.step !== step || answer?.type !== 'result') return answer;
      const gradientSum = new Float32Array(answer.gradientSum.byteLength / 4).fill(gradient);
      return { ...answer, gradientSum: new Uint8Array(gradientSum.buffer) };
    };
  /** Finite, but twice as much is not. */
  const LARGEST = 3e38;

  it('weights that are not finite are never saved', async () => {
    const testing = await testRun({ recipe: { lr: 1e10 }, change: { checkpointEvery: 1 } });
    analyticNode(testing.fleet, {}, exploding(1, 1e30));
    const error = await rejectionOf('E_DIVERGED', train(testing.run));
    expect(error.message).toContain('a weight after step 2 is not finite');
    for (const name of ['last', 'epoch'] as const) {
      const { state, velocity } = await readCheckpoint(testing.run.storage.folder.checkpointFile(name));
      for (const vector of [state.parameters, state.statistics, velocity])
        expect(vector.every(Number.isFinite)).toBe(true);
    }
  });

  it('after it diverges, resuming begins at the last epoch that could be gone on from', async () => {
    const { result: good } = await trained({ recipe: { epochs: 1 } });
    const testing = await testRun({ recipe: { epochs: 5 }, change: { checkpointEvery: 1 } });
    const explodes = exploding(4, LARGEST / 1e10);
    analyticNode(testing.fleet, {}, (item, state) =>
      item.type === 'work' && item.step === 6
        ? { ...resultOf(item, state), lossSum: NaN }
        : explodes(item, state),
    );
    await rejectionOf('E_DIVERGED', train(testing.run));
    const { folder } = testing.run.storage;
    for (const file of [folder.checkpointFile('last'), folder.checkpoints.previousFile]) {
      const { progress, state } = await readCheckpoint(file);
      expect(progress).toMatchObject({ epoch: 1, step: 3, stepInEpoch: 0 });
      expect(digestState(state)).toBe(good.lastWeightsSha256);
    }
    const notices = noticesOf(testing.events).map(({ message }) => message);
    expect(notices.at(-1)).toMatch(/state after epoch 1 \(step 3\).*begin a new run/);
  });

  it('does not fall back to an epoch from which no step could be computed', async () => {
    const testing = await testRun({ recipe: { epochs: 5, valSize: 0 } });
    analyticNode(testing.fleet, {}, (item, state) =>
      item.type === 'work' && item.step === STEPS_IN_ALL
        ? { ...resultOf(item, state), lossSum: NaN }
        : honest(item, state),
    );
    await rejectionOf('E_DIVERGED', train(testing.run));
    const { progress } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    expect(progress).toMatchObject({ epoch: 0, step: 0 });
  });

  it('goes on without the checkpoint to fall back to, where there is no room for it', async () => {
    const testing = await testRun();
    analyticNode(testing.fleet);
    mkdirSync(path.join(testing.run.storage.folder.checkpointFile('epoch'), 'in the way'), {
      recursive: true,
    });
    expect(await train(testing.run)).toMatchObject({ stoppedBy: 'epochs' });
  });

  it('a loss that is not finite, once, changes nothing', async () => {
    const { result } = await trained();
    const testing = await testRun();
    let times = 0;
    analyticNode(testing.fleet, {}, (item, state) =>
      item.type === 'work' && item.step === 2 && ++times === 1
        ? { ...resultOf(item, state), lossSum: NaN }
        : honest(item, state),
    );
    expect((await train(testing.run)).weightsSha256).toBe(result.weightsSha256);
  });

  it('a first checkpoint that cannot be written ends the run with E_IO before it begins', async () => {
    const testing = await testRun();
    const node = analyticNode(testing.fleet);
    const temporary = `${testing.run.storage.folder.checkpointFile('last')}.${process.pid}.tmp`;
    mkdirSync(path.join(temporary, 'in the way'), { recursive: true });
    await rejectionOf('E_IO', train(testing.run));
    expect(node.states.length).toBe(0);
  });

  it('a first checkpoint that cannot be written is a notice in a run that could be resumed before', async () => {
    const begun = await trained({ recipe: { maxSteps: 2 } });
    const { folder } = begun.run.storage;
    const { checkpoint } = await folder.checkpoints.readNewest();
    const state = TrainingState.from(checkpoint);
    const testing = await testRun({ change: { folder, state } });
    const { files, repair } = brokenFiles(testing);
    files.breakNow();
    analyticNode(testing.fleet, {}, (item, weights) => {
      repair();
      return honest(item, weights);
    });
    const { result } = await trained();
    expect((await train(testing.run)).weightsSha256).toBe(result.weightsSha256);
    const [notice] = noticesOf(testing.events);
    expect(notice?.message).toMatch(/CHECKPOINT OF STEP 2 IS NOT SAVED.*training goes on/);
  });

  it('a folder that another process took over: the run ends when no write of it is left', async () => {
    const testing = await testRun({ change: { checkpointEvery: 1 } });
    const { folder } = testing.run.storage;
    const lock = path.join(folder.folder, 'run.lock');
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const write = folder.checkpoints.write.bind(folder.checkpoints);
    const spied = vi.spyOn(folder.checkpoints, 'write');
    folder.whenTakenOver((error) => testing.fleet.abort(error));
    analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'work' && item.step === 1) {
        spied.mockImplementation((name, pieces) => released.then(() => write(name, pieces)));
      }
      if (item.type === 'work' && item.step === 4) {
        const [own] = readdirSync(lock);
        if (own !== 'of another') renameSync(path.join(lock, own!), path.join(lock, 'of another'));
        expect(() => folder.checkHeld()).toThrow();
        return undefined;
      }
      return honest(item, state);
    });
    let hasEnded = false;
    const ended = rejectionOf('E_RUN_EXISTS', train(testing.run)).then(() => (hasEnded = true));
    await until(() => readdirSync(lock)[0] === 'of another');
    await settled();
    expect(hasEnded).toBe(false);
    release();
    await ended;
    const before = readFileSync(folder.checkpointFile('last'));
    folder.close();
    await settled();
    expect(readFileSync(folder.checkpointFile('last'))).toEqual(before);
  });

  /** From this step on, until it is told otherwise, checkpoints cannot be written. */
  function failingAfter(testing: TestRun, step: number): { repair: () => void } {
    const { files, repair } = brokenFiles(testing);
    analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'work' && item.step === step) files.breakNow();
      return honest(item, state);
    });
    return { repair };
  }

  function brokenFiles({ run }: TestRun): { files: { breakNow(): void }; repair: () => void } {
    const spied = vi.spyOn(run.storage.folder.checkpoints, 'write');
    const noSpace = new LockstepError('E_IO', 'no space left on device; free some');
    return {
      files: { breakNow: () => void spied.mockRejectedValue(noSpace) },
      repair: () => spied.mockRestore(),
    };
  }

  it('a disk that is full on the way is a notice, and no reason to stop; at the end it is E_IO', async () => {
    const testing = await testRun({ recipe: { epochs: 3 }, change: { checkpointEvery: 1 } });
    failingAfter(testing, 4);
    await rejectionOf('E_IO', train(testing.run));
    expect(eventsOf(testing.events, 'step').length).toBe(3 * STEPS_PER_EPOCH);
    const notices = noticesOf(testing.events).map(({ message }) => message);
    expect(notices.length).toBeGreaterThan(0);
    for (const notice of notices) expect(notice).toMatch(/IS NOT SAVED.*: no space left/);
    const { progress } = await readCheckpoint(testing.run.storage.folder.checkpointFile('last'));
    expect(progress.step).toBeLessThanOrEqual(4);
    expect(existsSync(path.join(testing.run.storage.folder.folder, 'result.json'))).toBe(false);
  });

  it('a disk that has room again makes up for what it missed, the best weights, too', async () => {
    const recipe = { epochs: 3 };
    const whole = await testRun({ recipe });
    analyticNode(whole.fleet, {}, scoring([0.25, 0.75, 0.5]));
    const { weightsSha256 } = await train(whole.run);

    const testing = await testRun({ recipe });
    const { files, repair } = brokenFiles(testing);
    const score = scoring([0.25, 0.75, 0.5]);
    let evaluations = 0;
    analyticNode(testing.fleet, {}, (item, state) => {
      if (item.type === 'evaluate' && ++evaluations === 2) files.breakNow(); // the best epoch of all
      if (item.type === 'evaluate' && evaluations === 3) repair();
      return score(item, state);
    });
    expect((await train(testing.run)).weightsSha256).toBe(weightsSha256);
    const best = await readCheckpoint(testing.run.storage.folder.checkpointFile('best'));
    expect(digestState(best.state)).toBe(weightsSha256);
  });
});

describe('numerics classes', () => {
  it('are recorded; a mixed run is announced and never called exact', async () => {
    const testing = await testRun();
    analyticNode(testing.fleet, { numericsClass: 'b', engine: 'webgpu' });
    analyticNode(testing.fleet, { numericsClass: 'a', engine: 'wasm' });
    const result = await train(testing.run);
    expect(result).toMatchObject({ exact: false, numericsClasses: ['a', 'b'], engine: 'wasm+webgpu' });
    const notices = noticesOf(testing.events);
    expect(notices).toHaveLength(1);
    expect(notices[0]!.message).toMatch(/different numerics classes.*exact: false/);
  });

  /** Answers, and loses its workers right after its first answer of this kind, as a relay may. */
  function losingWorkers({ fleet }: TestRun, kind: 'work' | 'evaluate'): void {
    let hasLost = false;
    const attach = (nodeName: string): void => {
      const node = analyticNode(fleet, { nodeName }, (item, state) => {
        if (item.type === kind && !hasLost) {
          hasLost = true;
          queueMicrotask(() => node.send(workers({ threads: 0, numericsClass: 'none' })));
        }
        return honest(item, state);
      });
    };
    ['one', 'two'].forEach(attach);
  }

  it.each(['work', 'evaluate'] as const)(
    'are those of the moment of the answer, whatever the node brings later (%s)',
    async (kind) => {
      const testing = await testRun();
      losingWorkers(testing, kind);
      const { exact, numericsClasses } = await train(testing.run);
      expect({ exact, numericsClasses }).toEqual({ exact: true, numericsClasses: ['test-class'] });
      expect(eventsOf(testing.events, 'worker-left')).toHaveLength(1);
    },
  );

  it('are those of the moment of the answer in the test, too', async () => {
    const onTested = vi.fn<NonNullable<TrainingRun['data']['onTested']>>(() => Promise.resolve());
    const openTestSet = (): Promise<ImageSet> => Promise.resolve(tinySet(7));
    const testing = await testRun({ recipe: { valSize: 0 }, change: { openTestSet, onTested } });
    losingWorkers(testing, 'evaluate');
    await train(testing.run);
    expect(onTested.mock.calls[0]![0]).toMatchObject({ numericsClasses: ['test-class'] });
    expect(eventsOf(testing.events, 'worker-left')).toHaveLength(1);
  });

  it.each(['__proto__', 'constructor', 'toString'])('records a class that calls itself %s', async (name) => {
    const testing = await testRun();
    analyticNode(testing.fleet, { numericsClass: 'a' });
    analyticNode(testing.fleet, { numericsClass: name });
    const { exact, numericsClasses } = await train(testing.run);
    expect({ exact, numericsClasses }).toEqual({ exact: false, numericsClasses: [name, 'a'].sort() });
  });

  it('of one engine that promises nothing are not exact', async () => {
    const testing = await testRun();
    analyticNode(testing.fleet, { numericsClass: 'gpu', engine: 'webgpu', exact: false });
    expect(await train(testing.run)).toMatchObject({ exact: false, numericsClasses: ['gpu'] });
    expect(noticesOf(testing.events)).toEqual([]);
  });
});

it('trains nothing from a checkpoint whose progress cannot be, and saves nothing over it', async () => {
  const { state } = (await testRun()).run.training;
  const progress = { ...state.progress, step: 9007199254740990 };
  const saved = {
    state: state.model,
    velocity: state.velocity,
    progress,
    best: undefined,
    averaged: undefined,
  };
  const testing = await testRun({ change: { state: TrainingState.from(saved) } });
  await rejectionOf('E_CHECKPOINT', train(testing.run));
  expect(testing.run.storage.folder.checkpoints.exist()).toBe(false);
});

it('tells what was only counted before it says that it has finished', async () => {
  const testing = await testRun();
  analyticNode(testing.fleet);
  for (let time = 0; time < 5; time++) testing.fleet.connectionRefused('192.0.2.7', 'a wrong token');
  await train(testing.run);
  testing.fleet.connectionRefused('192.0.2.7', 'a wrong token');
  testing.fleet.end('the run has ended', { runEnded: true });
  const refusals = eventsOf(testing.events, 'connection-refused');
  expect(refusals.map(({ count }) => count)).toEqual([1, 4]);
  expect(testing.events.at(-1)!.event).toBe('run-finished');
});
