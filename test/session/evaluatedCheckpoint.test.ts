import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readForEvaluation } from '../../src/session/evaluatedCheckpoint.js';
import { train } from '../../src/coordinator/index.js';
import { digestState } from '../../src/model/index.js';
import { analyticNode, evaluatedOf, honest } from '../support/analyticNode.js';
import { rejectionOf } from '../support/errors.js';
import { makeRun } from '../support/runFolders.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { testRun } from '../support/trainingRun.js';

interface Ended {
  readonly folder: string;
  readonly file: (name: string) => string;
  readonly bestSha256: string;
  readonly lastSha256: string;
}

/** A run of two epochs, the first of which is the best. */
async function endedRun(): Promise<Ended> {
  const { run, fleet } = await testRun();
  let evaluations = 0;
  analyticNode(fleet, {}, (item, state) =>
    item.type === 'work'
      ? honest(item, state)
      : { ...evaluatedOf(item, state), correct: ++evaluations === 1 ? item.labels.length : 0 },
  );
  const result = await train(run);
  run.storage.folder.close();
  const { folder } = run.storage.folder;
  return {
    folder,
    file: (name) => path.join(folder, 'checkpoints', `${name}.safetensors`),
    bestSha256: result.weightsSha256,
    lastSha256: result.lastWeightsSha256,
  };
}

describe('a folder that is no run', () => {
  it('is refused with the runs that lie in it, the last begun first, whatever was touched since', async () => {
    const parent = temporaryFolder();
    const { message } = await rejectionOf('E_CHECKPOINT', readForEvaluation(parent));
    expect(message).toMatch(/holds no checkpoint of a run; give a run folder/);
    const begun = { old: '2026-01-01', newest: '2026-03-01', newer: '2026-02-01', silent: undefined };
    for (const [name, day] of Object.entries(begun)) {
      const line = JSON.stringify({ time: `${day}T08:00:00.000Z`, event: 'run-started' });
      const folder = makeRun(path.join(parent, name));
      writeFileSync(path.join(folder, 'metrics.jsonl'), day === undefined ? '' : `${line}\n`);
      writeFileSync(path.join(folder, 'checkpoints', 'last.safetensors'), '');
      utimesSync(folder, name === 'old' ? 3e9 : 1e9, 1e9);
    }
    mkdirSync(path.join(parent, 'notes'));
    writeFileSync(path.join(parent, 'file'), '');
    const named = await rejectionOf('E_CHECKPOINT', readForEvaluation(parent));
    const order = ['newest', 'newer', 'old', 'silent'].map((name) => path.join(parent, name)).join(', ');
    expect(named.message).toContain(`the 4 runs in it, the last begun first: ${order}`);
    expect(named.message).not.toMatch(/notes|ENOENT/);
  });
});

describe('what a run folder means to evaluate', () => {
  it('is the best weights', async () => {
    const { folder, file, bestSha256, lastSha256 } = await endedRun();
    expect(bestSha256).not.toBe(lastSha256);
    const found = await readForEvaluation(folder);
    expect(found).toMatchObject({ file: file('best'), epoch: 1, damage: undefined });
    expect(digestState(found.state)).toBe(bestSha256);
    expect(digestState((await readForEvaluation(file('last'))).state)).toBe(lastSha256);
  });

  it('is the same weights out of the last checkpoint, if the file of the best is damaged', async () => {
    const { folder, file, bestSha256 } = await endedRun();
    writeFileSync(file('best'), 'damaged');
    const found = await readForEvaluation(folder);
    expect(found).toMatchObject({ file: file('last'), epoch: 1 });
    expect(found.damage).toContain(file('best'));
    expect(digestState(found.state)).toBe(bestSha256);
  });

  it('is nothing if both are damaged, and names the file of the best', async () => {
    const { folder, file } = await endedRun();
    for (const name of ['best', 'last']) writeFileSync(file(name), 'damaged');
    expect((await rejectionOf('E_CHECKPOINT', readForEvaluation(folder))).message).toContain(file('best'));
  });

  it('is the previous weights in a run that has no best and whose last are damaged', async () => {
    const { folder, file } = await endedRun();
    rmSync(file('best'));
    const { state } = await readForEvaluation(file('previous'));
    writeFileSync(file('last'), 'damaged');
    const found = await readForEvaluation(folder);
    expect(found).toMatchObject({ file: file('previous') });
    expect(found.damage).toContain(file('last'));
    expect(digestState(found.state)).toBe(digestState(state));
  });

  it('is the last weights in a run that has no best', async () => {
    const { folder, file, lastSha256 } = await endedRun();
    rmSync(file('best'));
    expect(digestState((await readForEvaluation(folder)).state)).toBe(lastSha256);
  });

  it('is refused where nothing is', async () => {
    const nowhere = path.join(temporaryFolder(), 'nowhere');
    expect((await rejectionOf('E_CHECKPOINT', readForEvaluation(nowhere))).message).toContain(nowhere);
  });
});
