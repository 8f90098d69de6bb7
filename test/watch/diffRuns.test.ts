import path from 'node:path';
import { expect, it } from 'vitest';
import { diffRuns } from '../../src/watch/index.js';
import { CONFIG, epochLine, makeRun, RESULT } from '../support/runFolders.js';
import type { MadeRun } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

function diffOf(a: MadeRun, b: MadeRun): ReturnType<typeof diffRuns> {
  const root = temporaryFolder();
  return diffRuns(makeRun(path.join(root, 'a'), a), makeRun(path.join(root, 'b'), b));
}

const lines = [1, 2, 3].map((epoch) => epochLine(epoch));

it('says of equal runs that they are equal, to the bit', async () => {
  const run = { lines, result: RESULT };
  expect(await diffOf(run, run)).toMatchObject({
    recipe: [],
    surroundings: [],
    weights: { verdict: 'equal', epochs: 3 },
    finalWeightsEqual: true,
  });
});

it('names what differs: options that decide the weights apart from the others', async () => {
  const config = { ...CONFIG, lr: 0.2, workers: 3, versions: { ...CONFIG.versions, node: '22.0.0' } };
  const { recipe, surroundings } = await diffOf({}, { config: { ...config, nesterov: true } });
  expect(recipe).toEqual([
    { key: 'lr', a: 0.1, b: 0.2 },
    { key: 'nesterov', a: undefined, b: true },
  ]);
  expect(surroundings).toEqual([
    { key: 'workers', a: 2, b: 3 },
    { key: 'versions.node', a: '20.0.0', b: '22.0.0' },
  ]);
});

it('counts what is sent, shown and listened to among the surroundings', async () => {
  const config = { mlflow: 'http://127.0.0.1:5000', clearmlProject: 'x', tensorboard: false, maxNodes: 9 };
  const { recipe, surroundings } = await diffOf({}, { config: { ...CONFIG, ...config, precision: 'f16' } });
  expect(recipe.map(({ key }) => key)).toEqual(['precision']);
  expect(surroundings.map(({ key }) => key)).toEqual(Object.keys(config));
});

it('finds the first epoch after which the weights differ', async () => {
  const other = [epochLine(1), epochLine(2, { weightsSha256: 'x' }), epochLine(3, { weightsSha256: 'y' })];
  expect((await diffOf({ lines }, { lines: other })).weights).toEqual({
    verdict: 'different',
    epoch: 2,
    equalEpochs: 1,
  });
});

it('compares only the epochs that both have, and none where there are none', async () => {
  expect((await diffOf({ lines }, { lines: lines.slice(0, 2) })).weights).toEqual({
    verdict: 'equal',
    epochs: 2,
  });
  expect(await diffOf({ lines }, {})).toMatchObject({
    weights: { verdict: 'unknown' },
    finalWeightsEqual: null,
  });
});
