/** Runs whose rate is far too high: what they leave behind can be used, and nothing that they say contradicts itself. */

import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { decodeSafetensors } from '../../src/coordinator/checkpoints/safetensors.js';
import { killAll, readMetrics, run, temporaryFolder } from './support/lockstep.js';
import type { Finished } from './support/lockstep.js';

const folder = temporaryFolder();
const runDir = (name: string): string => path.join(folder, name);
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function train(name: string, lr: string, ...more: string[]): Promise<Finished> {
  return run([
    ...['train', '--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '200', '--val-size', '50'],
    ...['--batch-size', '40', '--micro-batch', '20', '--epochs', '3', '--workers', '2'],
    ...['--checkpoint-every', '1', '--run-dir', runDir(name), '--lr', lr, ...more],
  ]);
}

/** The largest number in a checkpoint. */
function largestIn(name: string, file: string): number {
  const { tensors } = decodeSafetensors(readFileSync(path.join(runDir(name), 'checkpoints', file)), file);
  let largest = 0;
  for (const { values } of tensors) for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}

describe.each(['1e300', '1e23'])('a rate of %s', (lr) => {
  it('ends with E_DIVERGED, usable checkpoints, and a hint that can be followed', async () => {
    const name = `lr-${lr}`;
    const { exitCode, stdout, stderr } = await train(name, lr);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/begin a new run with a lower --lr .*\[E_DIVERGED\]\n$/);
    expect(stdout).not.toContain('continue with');
    expect(largestIn(name, 'last.safetensors')).toBeLessThan(100);

    const again = await run(['train', '--resume', runDir(name)]);
    expect(again.stderr).toContain('E_DIVERGED');
    const steps = readMetrics(runDir(name)).filter(({ event }) => event === 'run-started');
    expect(steps).toHaveLength(2);
    expect(largestIn(name, 'last.safetensors')).toBeLessThan(100);

    const evaluated = await run(['evaluate', runDir(name), '--json', '--workers', '2']);
    expect(evaluated).toMatchObject({ exitCode: 0, stderr: '' });
    expect((JSON.parse(evaluated.stdout) as { testLoss: unknown }).testLoss).toEqual(expect.any(Number));
  });
});

describe('weights that are finite and beyond use', () => {
  it('are refused by evaluate with E_DIVERGED', async () => {
    expect((await train('finite', '1e23', '--max-steps', '1')).exitCode).toBe(0);
    expect(largestIn('finite', 'last.safetensors')).toBeGreaterThan(1e15);
    const { exitCode, stdout, stderr } = await run([
      'evaluate',
      runDir('finite'),
      '--json',
      '--workers',
      '2',
    ]);
    expect(stderr).toMatch(/on the test set is not finite.*\[E_DIVERGED\]\n$/);
    expect(exitCode).toBe(1);
    expect(stdout).not.toContain('testLoss');
  });
});
