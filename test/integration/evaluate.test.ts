/** `lockstep evaluate` as a user calls it: what it tells, and what it leaves in the run folder and elsewhere. */

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Evaluation } from '../../src/coordinator/index.js';
import type { EvaluationOutcome } from '../../src/session/index.js';
import { syntheticTestSet } from '../../src/data/index.js';
import { killAll, run, temporaryFolder } from './support/lockstep.js';

const folder = temporaryFolder();
const runDir = path.join(folder, 'run');
const set = syntheticTestSet();
const evaluationsIn = (place: string): readonly string[] =>
  readdirSync(place).filter((name) => name.startsWith('evaluation-'));

afterEach(killAll);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(async () => {
  const { exitCode } = await run([
    ...['train', '--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '100'],
    ...['--epochs', '2', '--batch-size', '60', '--micro-batch', '20', '--workers', '2', '--run-dir', runDir],
  ]);
  expect(exitCode).toBe(0);
});

describe('lockstep evaluate', () => {
  it('tells what the network gets wrong, and keeps it in the run folder beside what is there', async () => {
    const images = path.join(folder, 'worst');
    const { exitCode, stdout, stderr } = await run(['evaluate', runDir, '--json', '--save-images', images]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const outcome = JSON.parse(stdout) as EvaluationOutcome;

    // Against the data set itself, and against each other.
    const { classes, confusion, calibration, worstImages, savedAs } = outcome;
    expect(classes.map(({ name }) => name)).toEqual(set.classNames);
    for (const [label, row] of confusion.entries()) {
      const samples = Array.from({ length: 10_000 }, (_, index) => set.labelOf(index));
      expect(row.reduce((sum, count) => sum + count, 0)).toBe(
        samples.filter((each) => each === label).length,
      );
    }
    const correct = confusion.reduce((sum, row, label) => sum + row[label]!, 0);
    expect(correct / 10_000).toBe(outcome.testAccuracy);
    expect(calibration.bins.reduce((sum, { samples }) => sum + samples, 0)).toBe(10_000);
    expect(worstImages).toHaveLength(25);
    for (const { index, label, loss, labelProbability } of worstImages) {
      expect(label).toBe(set.labelOf(index));
      expect(Math.exp(-loss)).toBeCloseTo(labelProbability, 6);
      expect(loss).toBeGreaterThan(outcome.testLoss);
    }

    const kept = JSON.parse(readFileSync(savedAs!, 'utf8')) as EvaluationOutcome;
    expect(path.dirname(savedAs!)).toBe(runDir);
    const withoutPixels = kept.worstImages.map((image) => ({ ...image, image: undefined }));
    expect({ ...kept, worstImages: withoutPixels, savedAs }).toEqual(outcome);
    const pngs = readdirSync(images).sort();
    expect(pngs).toHaveLength(25);
    expect(pngs[0]).toMatch(new RegExp(`^01-test${worstImages[0]!.index}-`));

    const again = await run(['evaluate', runDir]);
    expect(again.stdout).toMatch(/class +images +accuracy +precision/);
    expect(again.stdout).toMatch(/confusion matrix/);
    expect(evaluationsIn(runDir)).toHaveLength(2);
    const third = await run(['evaluate', runDir, '--no-save']);
    expect(third.stdout).toBe(again.stdout.replace(/\nsaved as .*\n$/, ''));
    expect(evaluationsIn(runDir)).toHaveLength(2);
  });

  it('finds what the test at the end of the run has found and left there', async () => {
    const tested = path.join(folder, 'tested');
    const training = await run([
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
      ...['--epochs', '1', '--batch-size', '50', '--micro-batch', '25', '--workers', '2', '--test'],
      ...['--run-dir', tested],
    ]);
    expect(training.exitCode).toBe(0);
    const [name, ...more] = evaluationsIn(tested);
    expect(more).toEqual([]);
    const { worstImages, evaluatedAt, ...left } = JSON.parse(
      readFileSync(path.join(tested, name!), 'utf8'),
    ) as Evaluation;
    const again = await run(['evaluate', tested, '--json', '--no-save']);
    const outcome = JSON.parse(again.stdout) as EvaluationOutcome;
    expect({ ...outcome, ...left, savedAs: null }).toEqual(outcome);
    expect(worstImages.map(({ image: _, ...image }) => image)).toEqual(outcome.worstImages);
    expect(worstImages.every(({ image }) => image)).toBe(true);
    expect(Date.parse(evaluatedAt)).toBeLessThan(Date.parse(outcome.evaluatedAt));
    const result = JSON.parse(readFileSync(path.join(tested, 'result.json'), 'utf8')) as EvaluationOutcome;
    expect(left.testAccuracy).toBe(result.testAccuracy);
  });

  it('keeps nothing for a checkpoint that lies elsewhere', async () => {
    const copy = path.join(folder, 'elsewhere');
    cpSync(path.join(runDir, 'checkpoints'), path.join(copy, 'checkpoints'), { recursive: true });
    const { exitCode, stdout } = await run([
      'evaluate',
      path.join(copy, 'checkpoints', 'last.safetensors'),
      '--json',
    ]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ savedAs: null });
    expect(readdirSync(copy)).toEqual(['checkpoints']);
  });

  it('writes no image into a folder that holds something', async () => {
    const images = path.join(folder, 'mine');
    mkdirSync(images);
    writeFileSync(path.join(images, 'mine.txt'), 'mine');
    const { exitCode, stderr } = await run(['evaluate', runDir, '--save-images', images]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/is not empty, .*choose another \[E_IO\]\n$/);
    expect(readdirSync(images)).toEqual(['mine.txt']);
  });
});

const disk = path.join(folder, 'disk');
function mount(...options: readonly string[]): boolean {
  mkdirSync(disk, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', ...options, 'none', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
const canMount = mount();
if (canMount) execFileSync('umount', [disk]);
else console.warn('the test of a run that cannot be written is skipped: it needs the right to mount a tmpfs');

describe.skipIf(!canMount)('a run that cannot be written', () => {
  afterAll(() => {
    execFileSync('umount', [disk]);
  });

  it('is evaluated all the same, and the user is told that nothing was kept', async () => {
    mount();
    cpSync(runDir, path.join(disk, 'run'), { recursive: true });
    execFileSync('mount', ['-o', 'remount,ro', disk]);
    const before = evaluationsIn(path.join(disk, 'run'));
    const { exitCode, stdout, stderr } = await run(['evaluate', path.join(disk, 'run'), '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ savedAs: null, testSamples: 10_000 });
    expect(stderr).toMatch(/^lockstep: the evaluation is not saved: .* cannot be written \(EROFS/);
    expect(evaluationsIn(path.join(disk, 'run'))).toEqual(before);
    expect(existsSync(path.join(disk, 'run', 'run.lock'))).toBe(false);
  });
});
