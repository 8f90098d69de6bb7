/**
 * Committed digests of a short training, one a numerics class. They hold on every machine and Node version; a
 * refactor must keep them, and a change that alters them must say why. `LOCKSTEP_UPDATE_GOLDEN=1` writes them anew.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GOLDEN_RECIPE, GOLDEN_TRAINING } from './support/goldenTraining.js';
import type { GoldenDigests } from './support/goldenTraining.js';
import { killAll, readResult, REPOSITORY, run, temporaryFolder } from './support/lockstep.js';

const GOLDEN_WIRE = path.join(REPOSITORY, 'test', 'golden', 'wire.json');

async function trained(...more: string[]): Promise<GoldenDigests> {
  const runDir = path.join(temporaryFolder(), 'run');
  expect(await run(['train', ...GOLDEN_RECIPE, '--run-dir', runDir, ...more])).toMatchObject({
    exitCode: 0,
    stderr: '',
  });
  const { numericsClasses, lastWeightsSha256 } = readResult(runDir);
  return { [numericsClasses.join('+')]: lastWeightsSha256 };
}

afterEach(killAll);

/** Compares with the file, or writes it. */
function expectGolden(file: string, found: object): void {
  if (process.env['LOCKSTEP_UPDATE_GOLDEN']) writeFileSync(file, `${JSON.stringify(found, null, 2)}\n`);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject(found);
}

describe('a short training', () => {
  it('ends in the committed digest, in every numerics class of the simd engine that this host has', async () => {
    const found = { ...(await trained('--numerics', 'simd')), ...(await trained()) };
    expectGolden(GOLDEN_TRAINING, found);
    expect(found).toHaveProperty(['simd/1']);
  });

  it('ends in the committed digest of each compact wire form', async () => {
    const simd = ['--numerics', 'simd', '--epochs', '1'];
    const found = {
      bfloat16: await trained('--wire', 'bfloat16', ...simd),
      int8: await trained('--wire', 'int8', ...simd),
    };
    expectGolden(GOLDEN_WIRE, found);
    expect(found.int8).toHaveProperty(['simd/1']);
  });
});
