/** A disk that is full while a run is on it: a small file system of the test's own. */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { killAll, readMetrics, readResult, run, start, temporaryFolder } from './support/lockstep.js';
import type { Running } from './support/lockstep.js';
import { lastIsSaved, standingStillAt, standsStill } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '250'],
  ...['--epochs', '2', '--batch-size', '48', '--micro-batch', '16', '--schedule', 'onecycle', '--seed', '5'],
  ...['--checkpoint-every', '3', '--workers', '2'],
];
const STEPS = 26;
/** Room for the three checkpoints of a run, one that is being written, and little more. */
const DISK_MEGABYTES = 5;

const folder = temporaryFolder();
const disk = path.join(folder, 'disk');
const runDir = path.join(disk, 'run');
const filler = path.join(disk, 'filler');

function mount(): boolean {
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MEGABYTES}m`, 'none', disk], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

/** Mounting needs rights that not everyone has. */
const canMount = mount();
if (canMount) execFileSync('umount', [disk]);
else console.warn('the tests of a full disk are skipped: they need the right to mount a tmpfs');

/** A training that stands still when it has saved its first checkpoint by steps, and at another line, if so wanted. */
function startTraining(...more: readonly RegExp[]): Running {
  const env = standingStillAt(lastIsSaved(1, STEPS), ...more);
  return start(['train', ...RECIPE, '--run-dir', runDir], env);
}

/** Takes what room is left, to the last byte. */
function fill(): void {
  for (const byteCount of [1 << 18, 1 << 12]) {
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(byteCount), { flag: 'a' });
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
    }
  }
}

describe.skipIf(!canMount)('a run whose disk', () => {
  let digest: string;
  beforeAll(async () => {
    const reference = path.join(folder, 'reference');
    expect((await run(['train', ...RECIPE, '--run-dir', reference])).exitCode).toBe(0);
    digest = readResult(reference).weightsSha256;
  });
  afterEach(() => {
    killAll();
    execFileSync('umount', ['-l', disk]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is full for a while goes on, and misses nothing in the end', async () => {
    mount();
    const training = startTraining(/IS NOT SAVED/);
    await standsStill(training);
    fill();
    training.kill('SIGCONT');
    await standsStill(training);
    rmSync(filler);
    training.kill('SIGCONT');
    const { exitCode, stdout, stderr } = await training.finished;
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('IS NOT SAVED');
    expect(stdout).toContain('no space left on device');
    expect(readResult(runDir).weightsSha256).toBe(digest);
    const steps = readMetrics(runDir).filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  });

  it('is full from the beginning ends with E_IO, and does not say that anything was kept', async () => {
    mount();
    fill();
    truncateSync(filler, statSync(filler).size - (1 << 17)); // for the configuration, but no checkpoint
    const { exitCode, stdout, stderr } = await run(['train', ...RECIPE, '--run-dir', runDir]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/last\.safetensors.*free some disk space \[E_IO\]\n$/);
    expect(stdout).toContain('before anything was saved');
    expect(stdout).not.toMatch(/is kept|continue with/);
  });

  it('is full when it is resumed goes on, and misses nothing in the end', async () => {
    mount();
    const training = startTraining();
    await standsStill(training);
    training.kill('SIGKILL');
    await training.finished;
    fill();
    const resumed = start(['train', '--resume', runDir], standingStillAt(/IS NOT SAVED/));
    await standsStill(resumed);
    rmSync(filler);
    resumed.kill('SIGCONT');
    const { exitCode, stdout, stderr } = await resumed.finished;
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('training goes on');
    expect(readResult(runDir).weightsSha256).toBe(digest);
    const config = JSON.parse(readFileSync(path.join(runDir, 'config.json'), 'utf8')) as { workers: number };
    expect(config.workers).toBeGreaterThan(0);
    const steps = readMetrics(runDir).filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, index) => index + 1));
  });

  it('is full to the end fails with E_IO, keeps what was saved, and can be resumed', async () => {
    mount();
    const training = startTraining();
    await standsStill(training);
    fill();
    training.kill('SIGCONT');
    const { exitCode, stderr } = await training.finished;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^lockstep: cannot write .*; free some disk space \[E_IO\]\n$/);
    rmSync(filler);
    expect(await run(['train', '--resume', runDir])).toMatchObject({ exitCode: 0, stderr: '' });
    expect(readResult(runDir).weightsSha256).toBe(digest);
  });
});
