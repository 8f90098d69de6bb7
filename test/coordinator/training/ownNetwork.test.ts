/** A network and a data set of which no file in src/ knows: 20x12 grey images of five classes. */

import { describe, expect, it } from 'vitest';
import { Fleet, train, TrainingState, welcomeFor } from '../../../src/coordinator/index.js';
import type { RunResult } from '../../../src/coordinator/index.js';
import { digestSamples, measureNormalisation, splitTrainingSet } from '../../../src/data/index.js';
import type { ImageFormat } from '../../../src/data/index.js';
import type { EngineName } from '../../../src/engine/index.js';
import { networkFrom } from '../../../src/model/index.js';
import { startLocalNode } from '../../../src/worker/index.js';
import { rejectionOf } from '../../support/errors.js';
import { recipe } from '../../support/recipes.js';
import { tinySet } from '../../support/tinySet.js';
import { testRun } from '../../support/trainingRun.js';

const FORMAT: ImageFormat = {
  imageShape: { height: 20, width: 12, channels: 1 },
  classNames: ['ash', 'beech', 'cedar', 'date palm', 'elm'],
};
const MODEL = networkFrom(
  {
    name: 'trees',
    inputShape: FORMAT.imageShape,
    classNames: FORMAT.classNames,
    layers: [
      { kind: 'convolution', name: 'conv1', channels: 4, stride: 2 },
      { kind: 'relu', name: 'relu1' },
      { kind: 'convolution', name: 'conv2', channels: 7, stride: 2 },
      { kind: 'batch-normalisation', name: 'norm2' },
      { kind: 'shortcut', name: 'short', input: 'relu1', channels: 7, stride: 2 },
      { kind: 'add', name: 'sum', input: 'norm2', other: 'short' },
      { kind: 'relu', name: 'relu2' },
      { kind: 'global-average-pool', name: 'pool' },
      { kind: 'dropout', name: 'drop', rate: 0.2 },
      { kind: 'dense', name: 'dense', channels: 5 },
    ],
  },
  'trees.json',
);

const RECIPE = recipe({
  model: 'trees',
  epochs: 2,
  valSize: 9,
  batchSize: 12,
  microBatch: 4,
  cropPadding: 3,
});

async function trained(engine: EngineName, workers: number): Promise<RunResult> {
  const set = tinySet(40, FORMAT);
  const split = splitTrainingSet({ sampleCount: 40, validationSize: RECIPE.valSize, seed: RECIPE.seed });
  const normalisation = measureNormalisation(set, split.training);
  const welcome = welcomeFor({ runName: 'trees', model: MODEL, normalisation, recipe: RECIPE });
  const fleet = new Fleet({ welcome, onEvent: () => undefined, waitTimeoutMs: 60_000 });
  const { run } = await testRun({
    recipe: RECIPE,
    change: {
      ...{ model: MODEL, set, split, normalisation, fleet },
      samples: digestSamples(set, split),
      state: TrainingState.fresh(MODEL, RECIPE),
      openTestSet: () => Promise.resolve(tinySet(15, FORMAT)),
    },
  });
  const node = await startLocalNode({ name: engine }, workers);
  try {
    fleet.admit(node.channel, { local: true });
    return await train(run);
  } finally {
    fleet.end('the test is over', { runEnded: true });
    await node.close();
  }
}

describe('a network of its own, on images of its own', () => {
  it.each<EngineName>(['simd', 'cpu'])('has the same bits with 1 and 3 workers of %s', async (engine) => {
    const [one, three] = [await trained(engine, 1), await trained(engine, 3)];
    expect(one).toMatchObject({ stoppedBy: 'epochs', stepsCompleted: 6, engine });
    expect(three.weightsSha256).toBe(one.weightsSha256);
    expect(three.lastWeightsSha256).toBe(one.lastWeightsSha256);
    expect(three.testLoss).toBe(one.testLoss);
  });

  it.each<[string, Partial<ImageFormat>, RegExp]>([
    [
      'images',
      { imageShape: { height: 20, width: 12, channels: 3 } },
      /takes images of 20x12x1.*are 20x12x3/,
    ],
    ['number of classes', { classNames: ['ash', 'beech'] }, /has 5 classes, and synthetic has 2/],
    [
      'names of classes',
      { classNames: [...FORMAT.classNames.slice(0, 4), 'oak'] },
      /calls class 4 "elm", and synthetic calls it "oak"/,
    ],
  ])('is refused for data of other %s, before anything is started', async (_, change, message) => {
    const set = tinySet(40, { ...FORMAT, ...change });
    const { run, events } = await testRun({ change: { model: MODEL, set } });
    const error = await rejectionOf('E_MODEL', train(run));
    expect(error.message).toMatch(message);
    expect(events).toEqual([]);
  });

  it('is refused more padding than half an image', async () => {
    const { run } = await testRun({
      recipe: { cropPadding: 7 },
      change: { model: MODEL, set: tinySet(40, FORMAT) },
    });
    const error = await rejectionOf('E_OPTION', train(run));
    expect(error.message).toMatch(/cropPadding 7 must be at most 6.*use cropPadding 6/);
  });
});
