/** One run folder, shared by processes that cannot see each other: as two containers, or a container and its host. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import {
  killAll,
  readMetrics,
  readResult,
  REPOSITORY,
  run,
  startProgram,
  temporaryFolder,
  untilStep,
} from './support/lockstep.js';
import type { Running } from './support/lockstep.js';

const folder = temporaryFolder();
afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IN_NAMESPACE = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync('unshare', [...IN_NAMESPACE, 'true']).status === 0;
if (!canUnshare) console.warn('the tests of PID namespaces are skipped: they need the right to make one');

/** As process 1 of a namespace of its own. */
function startContained(...args: readonly string[]): Running {
  const lockstep = path.join(REPOSITORY, 'bin', 'lockstep');
  return startProgram('unshare', [...IN_NAMESPACE, process.execPath, lockstep, ...args]);
}

describe.skipIf(!canUnshare)('a run in a PID namespace', () => {
  it('is not resumed by another namespace while it lives, and is when it is gone', async () => {
    const runDir = path.join(folder, 'run');
    const first = startContained(
      ...[
        'train',
        '--dataset',
        'synthetic',
        '--model',
        'resnet8',
        '--train-limit',
        '200',
        '--val-size',
        '50',
      ],
      ...['--batch-size', '40', '--micro-batch', '20', '--epochs', '100000', '--patience', '0'],
      ...['--workers', '1', '--engine', 'simd', '--checkpoint-every', '1', '--run-dir', runDir],
    );
    await untilStep(runDir, 3);

    const refused = await startContained('train', '--resume', runDir, '--workers', '1').finished;
    expect(refused.stderr).toMatch(
      /process 1 of host .*, in another PID namespace, is working in .*\[E_RUN_EXISTS\]/,
    );
    expect(refused.exitCode).toBe(1);
    const here = await run(['train', '--resume', runDir, '--workers', '1']);
    expect(here.stderr).toContain('E_RUN_EXISTS');
    expect(first.child.exitCode).toBeNull();

    first.kill('SIGKILL'); // and with it, by --kill-child, what it started
    await first.finished;
    const { step = 0 } = readMetrics(runDir).findLast(({ event }) => event === 'step') ?? {};
    const more = ['--max-steps', String(step + 2)];
    const resumed = await startContained('train', '--resume', runDir, '--workers', '1', ...more).finished;
    expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(resumed.stdout).toContain('taken over');
    expect(readResult(runDir)).toMatchObject({ stepsCompleted: step + 2, stoppedBy: 'max-steps' });
  });
});
