/**
 * Committed digests of a short training, one a numerics class. They hold on every machine and Node version; a
 * refactor must keep them, and a change that alters them must say why. `LOCKSTEP_UPDATE_GOLDEN=1` writes them anew.
 */

import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GOLDEN_RECIPE, readGoldenDigests, writeGoldenDigests } from './support/goldenTraining.js';
import type { GoldenDigests } from './support/goldenTraining.js';
import { killAll, readResult, run, temporaryFolder } from './support/lockstep.js';

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

describe('a short training', () => {
  it('ends in the committed digest, in every numerics class of the simd engine that this host has', async () => {
    const found = { ...(await trained('--numerics', 'simd')), ...(await trained()) };
    if (process.env['LOCKSTEP_UPDATE_GOLDEN']) writeGoldenDigests(found);
    expect(readGoldenDigests()).toMatchObject(found);
    expect(found).toHaveProperty(['simd/1']);
  });
});
