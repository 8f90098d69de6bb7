/** CIFAR-10 in a folder of the program's choice: the run keeps where it was. */

import { linkSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { evaluate, loadCifar10, train } from '../../src/index.js';
import { rejectionOf } from '../support/errors.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const RECORD_BYTES = 3073;
const RECORDS = 10_000;
const onSimd = { engine: 'simd', workers: 1 } as const;

/** Whole batches, of one file by several names. */
function dataFolder(): string {
  const folder = temporaryFolder();
  const batches = path.join(folder, 'cifar-10-batches-bin');
  mkdirSync(batches);
  const bytes = Buffer.alloc(RECORD_BYTES * RECORDS);
  for (let at = 0; at < bytes.byteLength; at++) bytes[at] = (at * 31 + (at >> 12)) & 255;
  for (let index = 0; index < RECORDS; index++) bytes[index * RECORD_BYTES] = index % 10;
  const first = path.join(batches, 'data_batch_1.bin');
  writeFileSync(first, bytes);
  for (const name of ['data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch']) {
    linkSync(first, path.join(batches, `${name}.bin`));
  }
  return folder;
}

it('is found again where it was, by a resumed run and by an evaluation', async () => {
  const folder = dataFolder();
  const data = await loadCifar10(path.relative('.', folder));
  expect(data.dataDir).toBe(folder);
  const runDir = path.join(temporaryFolder(), 'run');
  const recipe = { model: 'resnet8', trainLimit: 96, valSize: 32, batchSize: 32, maxSteps: 1 } as const;
  await train({ ...onSimd, data, runDir, recipe });
  const kept = (): unknown =>
    (JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as { dataDir: unknown }).dataDir;
  expect(kept()).toBe(folder);

  const resumed = await train({ ...onSimd, resume: runDir, recipe: { maxSteps: 2 } });
  expect(resumed).toMatchObject({ dataset: 'cifar10', stepsCompleted: 2 });
  expect(kept()).toBe(folder);
  // Stopped as soon as it has its images; without them it fails otherwise.
  const signal = AbortSignal.abort();
  await rejectionOf('E_STOPPED', evaluate({ ...onSimd, checkpoint: runDir, signal }));
  const elsewhere = { ...onSimd, checkpoint: runDir, dataDir: temporaryFolder(), signal };
  await rejectionOf('E_DATA_MISSING', evaluate(elsewhere));

  const moved = { ...data, dataDir: temporaryFolder() };
  await train({ ...onSimd, resume: runDir, data: moved, recipe: { maxSteps: 3 } });
  expect(kept()).toBe(moved.dataDir);
});
