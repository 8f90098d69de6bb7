/** Training on 64-bit Arm, by a Node for Arm under QEMU: the committed digests, which x86 wrote. */

import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { GOLDEN_RECIPE, readGoldenDigests } from './support/goldenTraining.js';
import { killAll, readResult, REPOSITORY, startProgram, temporaryFolder } from './support/lockstep.js';

const ARM_NODE = process.env['LOCKSTEP_ARM64_NODE'];
/** Each thread says where it runs, so that no training of x86 is taken for one of Arm. */
const SAY_WHERE = ['--import', 'data:text/javascript,console.error(process.arch)'];

/** Emulated, it takes 80 seconds of an idle machine, and ten minutes of a busy one. */
const LIMIT_MS = 1_800_000;

if (ARM_NODE === undefined) {
  console.warn(
    'SKIPPED: nothing is trained on Arm: no Node for it is named; run eval "$(bash scripts/setup-arm64.sh)"',
  );
}

interface Trained {
  readonly numericsClasses: readonly string[];
  readonly lastWeightsSha256: string;
}

const COMMAND = [path.join(REPOSITORY, 'bin', 'lockstep'), 'train', ...GOLDEN_RECIPE, '--workers', '1'];

async function train(
  node: string,
  ...args: readonly string[]
): Promise<Trained & { readonly stderr: string }> {
  const runDir = path.join(temporaryFolder(), 'run');
  const { exitCode, stderr } = await startProgram(node, [...args, '--run-dir', runDir]).finished;
  expect(exitCode, stderr).toBe(0);
  const { numericsClasses, lastWeightsSha256 } = readResult(runDir);
  return { numericsClasses, lastWeightsSha256, stderr };
}

async function trainOnArm(...more: readonly string[]): Promise<Trained> {
  const { stderr, ...trained } = await train(ARM_NODE!, ...SAY_WHERE, ...COMMAND, ...more);
  expect(stderr).toMatch(/^(arm64\n){2,}$/); // the process and its worker thread
  return trained;
}

afterEach(killAll);

describe.skipIf(ARM_NODE === undefined)('on 64-bit Arm', () => {
  it('Node itself says so', () => {
    const { stdout } = spawnSync(ARM_NODE!, ['-p', 'process.arch'], { encoding: 'utf8' });
    expect(stdout).toBe('arm64\n');
  });

  it(
    'a short training ends in the committed digest; without fused multiply-add, in what this Node computes',
    async () => {
      // The first step alone: emulated, it takes as long as all of them do here.
      const plain = ['--numerics', 'simd', '--max-steps', '1'];
      const [fusedOnArm, plainOnArm, { stderr, ...plainHere }] = await Promise.all([
        trainOnArm('--engine', 'simd'),
        trainOnArm(...plain),
        train(process.execPath, ...COMMAND, ...plain),
      ]);
      // Every 64-bit Arm processor fuses.
      const digest = readGoldenDigests()['simd-fma/1'];
      expect(fusedOnArm).toEqual({ numericsClasses: ['simd-fma/1'], lastWeightsSha256: digest });
      expect(plainOnArm).toEqual(plainHere);
      expect(plainHere.numericsClasses).toEqual(['simd/1']);
      expect(stderr).toBe('');
    },
    LIMIT_MS,
  );
});
