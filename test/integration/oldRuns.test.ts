/** Runs of the version whose checkpoints held the name of their network and nothing else: evaluated and resumed by this one. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { epochDigests, killAll, readResult, REPOSITORY, run, temporaryFolder } from './support/lockstep.js';
import type { Result } from './support/lockstep.js';

const GOLDEN = path.join(REPOSITORY, 'test', 'golden');
const folder = temporaryFolder();
const at = (name: string): string => path.join(folder, name);

afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Evaluation {
  readonly weightsSha256: string;
  readonly testAccuracy: number;
  readonly testLoss: number;
}

async function evaluated(checkpoint: string): Promise<Evaluation> {
  const { exitCode, stdout } = await run(['evaluate', checkpoint, '--no-save', '--json', '--workers', '2']);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as Evaluation;
}

async function resumedToItsEnd(runDir: string): Promise<Result> {
  const resumed = await run(['train', '--resume', runDir, '--max-steps', 'none', '--workers', '2']);
  expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
  return readResult(runDir);
}

/** On a host without fused multiply-add the rest of the run has other bits. */
function hasClassOf({ numericsClasses }: Result, expected: { readonly numericsClass: string }): boolean {
  return numericsClasses.join() === expected.numericsClass;
}

function readExpected(old: string): unknown {
  return JSON.parse(readFileSync(path.join(old, 'expected.json'), 'utf8'));
}

describe('an old run without validation', () => {
  const old = path.join(GOLDEN, 'old-run');
  const expected = readExpected(old) as {
    readonly numericsClass: string;
    readonly weightsSha256AfterStep5: string;
    readonly weightsSha256AfterStep8: string;
    readonly testLoss: number;
    readonly testAccuracy: number;
  };

  it('is evaluated as that version did', async () => {
    const { testAccuracy, weightsSha256AfterStep5: weightsSha256 } = expected;
    const outcome = await evaluated(old);
    expect(outcome).toMatchObject({ model: 'resnet8', testAccuracy, weightsSha256 });
    expect(outcome.testLoss).toBeCloseTo(expected.testLoss, 5);
  });

  it('is resumed, ends in the same bits, and keeps its network from then on', async () => {
    const runDir = at('old');
    cpSync(old, runDir, { recursive: true });
    const result = await resumedToItsEnd(runDir);
    if (hasClassOf(result, expected)) expect(result.weightsSha256).toBe(expected.weightsSha256AfterStep8);
    const header = readFileSync(path.join(runDir, 'checkpoints', 'last.safetensors')).toString('latin1');
    expect(header).toContain('stack3.block1.conv2');
    expect(header).toContain('\\"network\\":{\\"name\\":\\"resnet8\\"');
  });
});

describe('an old run with best weights, stopped after they were found', () => {
  const old = path.join(GOLDEN, 'old-run-best');
  const expected = readExpected(old) as {
    readonly numericsClass: string;
    readonly checkpointBytes: { readonly last: number; readonly best: number };
    readonly bestEpoch: number;
    readonly bestWeightsSha256: string;
    readonly lastWeightsSha256AfterStep9: string;
    readonly lastWeightsSha256AfterStep10: string;
    readonly bestTestAccuracy: number;
    readonly bestTestLoss: number;
    readonly lastTestAccuracy: number;
  };
  const runDir = at('best');

  beforeAll(() => {
    const { last, best } = expected.checkpointBytes;
    const both = brotliDecompressSync(readFileSync(path.join(old, 'checkpoints.br')));
    expect(both.length).toBe(last + best);
    mkdirSync(path.join(runDir, 'checkpoints'), { recursive: true });
    writeFileSync(path.join(runDir, 'checkpoints', 'last.safetensors'), both.subarray(0, last));
    writeFileSync(path.join(runDir, 'checkpoints', 'best.safetensors'), both.subarray(last));
    for (const name of ['config.json', 'metrics.jsonl', 'result.json'])
      cpSync(path.join(old, name), path.join(runDir, name));
  });

  it('is evaluated by its best weights, as that version did', async () => {
    const outcome = await evaluated(runDir);
    const { bestTestAccuracy: testAccuracy, bestWeightsSha256: weightsSha256 } = expected;
    expect(outcome).toMatchObject({ model: 'resnet8', testAccuracy, weightsSha256 });
    expect(outcome.testLoss).toBeCloseTo(expected.bestTestLoss, 5);
  });

  it('is evaluated by its last weights, which are others, if they are named', async () => {
    const outcome = await evaluated(path.join(runDir, 'checkpoints', 'last.safetensors'));
    const { lastTestAccuracy: testAccuracy, lastWeightsSha256AfterStep9: weightsSha256 } = expected;
    expect(outcome).toMatchObject({ testAccuracy, weightsSha256 });
  });

  it('is resumed, ends as it did undisturbed, and restores the best weights of the old session', async () => {
    const result = await resumedToItsEnd(runDir);
    const { bestEpoch, bestWeightsSha256: weightsSha256, lastWeightsSha256AfterStep10 } = expected;
    expect(result).toMatchObject({ stoppedBy: 'epochs', stepsCompleted: 10, bestEpoch, weightsSha256 });
    expect([...epochDigests(runDir).keys()]).toEqual([1, 2, 3, 4, 5]);
    if (hasClassOf(result, expected)) expect(result.lastWeightsSha256).toBe(lastWeightsSha256AfterStep10);
  });
});
