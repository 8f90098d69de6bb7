/**
 * Committed digests of a short training, one a numerics class. They hold on every machine and Node version; a
 * refactor must keep them, and a change that alters them must say why. `LOCKSTEP_UPDATE_GOLDEN=1` writes them anew.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { killAll, readResult, REPOSITORY, run, temporaryFolder } from './support/lockstep.js';

const GOLDEN = path.join(REPOSITORY, 'test', 'golden', 'training.json');

const RECIPE = [
  ...[
    '--dataset',
    'synthetic',
    '--model',
    'resnet14',
    '--train-limit',
    '130',
    '--val-size',
    '120',
    '--epochs',
    '2',
  ],
  ...[
    '--batch-size',
    '48',
    '--micro-batch',
    '16',
    '--dropout',
    '0.1',
    '--schedule',
    'cosine',
    '--nesterov',
    '--seed',
    '3',
  ],
];

/** By numerics class: the digests after the last step. */
type Golden = Record<string, string>;

async function trained(...more: string[]): Promise<Golden> {
  const runDir = path.join(temporaryFolder(), 'run');
  expect(await run(['train', ...RECIPE, '--run-dir', runDir, ...more])).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  const { numericsClasses, lastWeightsSha256 } = readResult(runDir);
  return { [numericsClasses.join('+')]: lastWeightsSha256 };
}

afterEach(killAll);

describe('a short training', () => {
  it('ends in the committed digest, in every numerics class of the simd engine that this host has', async () => {
    const found = { ...(await trained('--numerics', 'simd')), ...(await trained()) };
    if (process.env['LOCKSTEP_UPDATE_GOLDEN']) writeFileSync(GOLDEN, `${JSON.stringify(found, null, 2)}\n`);
    const golden = JSON.parse(readFileSync(GOLDEN, 'utf8')) as Golden;
    expect(golden).toMatchObject(found);
    expect(found).toHaveProperty(['simd/1']);
  });
});
