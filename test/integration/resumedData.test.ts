/** Data that change between two sessions of a run. */

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { killAll, readResult, run, temporaryFolder } from './support/lockstep.js';

const RECORD_BYTES = 3073;
const RECORDS = 10_000;

const folder = temporaryFolder();
const dataDir = path.join(folder, 'data');
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Five whole batches; the labels may be turned round, the pixels are always the same. */
function writeData(labelOf: (index: number) => number): void {
  const batches = path.join(dataDir, 'cifar-10-batches-bin');
  mkdirSync(batches, { recursive: true });
  const bytes = Buffer.alloc(RECORD_BYTES * RECORDS);
  for (let at = 0; at < bytes.byteLength; at++) bytes[at] = (at * 31 + (at >> 12)) & 255;
  for (let index = 0; index < RECORDS; index++) bytes[index * RECORD_BYTES] = labelOf(index);
  for (const batch of [1, 2, 3, 4, 5]) writeFileSync(path.join(batches, `data_batch_${batch}.bin`), bytes);
}

describe('a run that is resumed', () => {
  it('with other labels on the same pixels is refused, and goes on when the data are back', async () => {
    writeData((index) => index % 10);
    const runDir = path.join(folder, 'run');
    const first = await run([
      ...['train', '--dataset', 'cifar10', '--data-dir', dataDir, '--run-dir', runDir, '--model', 'resnet8'],
      ...['--train-limit', '600', '--val-size', '100', '--max-steps', '3', '--workers', '1'],
    ]);
    expect(first).toMatchObject({ exitCode: 0, stderr: '' });
    const resume = (): ReturnType<typeof run> => run(['train', '--resume', runDir, '--max-steps', '4']);

    writeData((index) => 9 - (index % 10));
    const refused = await resume();
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/different: training labels, validation labels.*\[E_CHECKPOINT\]\n$/);

    writeData((index) => index % 10);
    expect(await resume()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readResult(runDir).stepsCompleted).toBe(4);
  });
});
