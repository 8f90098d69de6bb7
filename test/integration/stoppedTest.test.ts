/** A run that is stopped while it looks at the test set: it is not complete, and the command that it prints completes it. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { killAll, readResult, run, start, temporaryFolder } from './support/lockstep.js';
import { standingStillAt, standsStill } from './support/standStill.js';

const folder = path.join(temporaryFolder(), 'with a space');
mkdirSync(folder);
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '200', '--val-size', '50'],
  ...['--batch-size', '40', '--micro-batch', '20', '--epochs', '1', '--workers', '2', '--test'],
];
/** The end of the last epoch; what comes after it is the test. */
const LAST_EPOCH = /"event":"epoch","epoch":1/;

describe('a run that is stopped while it looks at the test set', () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('by %s is completed by --resume', async (signal) => {
    const runDir = path.join(folder, signal);
    const training = start(['train', ...RECIPE, '--run-dir', runDir], standingStillAt(LAST_EPOCH));
    await standsStill(training);
    training.kill(signal);
    training.kill('SIGCONT');
    const { exitCode, stdout } = await training.finished;
    expect(exitCode).toBe(signal === 'SIGINT' ? 130 : null);
    if (signal === 'SIGINT') {
      expect(readResult(runDir)).toMatchObject({ stoppedBy: 'signal', testAccuracy: null });
      const command = /continue with: (.*)\n/.exec(stdout)![1]!;
      execFileSync('/bin/sh', ['-c', command], { cwd: process.cwd(), stdio: 'ignore' });
    } else {
      expect((await run(['train', '--resume', runDir])).exitCode).toBe(0);
    }
    const result = readResult(runDir);
    expect(result).toMatchObject({ stoppedBy: 'epochs', testAccuracy: expect.any(Number) as number });
    expect((await run(['train', '--resume', runDir])).stderr).toContain('E_RUN_COMPLETE');
  });
});
