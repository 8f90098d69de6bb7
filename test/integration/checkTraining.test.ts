/** `check` and `lr-find` as processes and from a program: exit status, lines for machines, files, and the same bits. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkTraining, findLearningRate, syntheticData, train } from '../../src/index.js';
import type { FindLearningRateOptions, TrainingFinding } from '../../src/index.js';
import { run as runLockstep, start, temporaryFolder } from './support/lockstep.js';
import { standingStillAt, standsStill } from './support/standStill.js';

const RECIPE = {
  model: 'resnet8',
  trainLimit: 512,
  valSize: 200,
  epochs: 3,
  batchSize: 64,
  seed: 5,
} as const;
const FLAGS = [
  '--dataset',
  'synthetic',
  '--model',
  'resnet8',
  '--train-limit',
  '512',
  '--val-size',
  '200',
  '--epochs',
  '3',
  '--batch-size',
  '64',
  '--seed',
  '5',
];
const onSimd = { engine: 'simd', numerics: 'simd' } as const;

const find = (more: Partial<FindLearningRateOptions>) =>
  findLearningRate({
    ...onSimd,
    recipe: RECIPE,
    data: syntheticData(),
    steps: 40,
    runDir: path.join(temporaryFolder(), 'rates'),
    ...more,
  });

interface Line {
  readonly event: string;
  readonly name: string;
  readonly verdict: string;
  readonly message: string;
}

function linesOf(stdout: string): readonly Line[] {
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

describe('lockstep check', () => {
  it('exits with 0 if nothing fails, with one line of JSON a check and a last one', async () => {
    const { exitCode, stdout } = await runLockstep([
      'check',
      ...FLAGS,
      '--schedule',
      'onecycle',
      '--only',
      'start,steps',
      '--json',
    ]);
    expect(exitCode).toBe(0);
    const lines = linesOf(stdout);
    expect(lines.slice(0, -1).map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'initial-loss pass',
      'activations pass',
      'filters pass',
      'steps pass',
    ]);
    expect(lines.at(-1)).toMatchObject({ event: 'checked', passed: 4, failed: 0 });
  });

  it('exits with 1 if a check fails, and says what to do by the flag', async () => {
    const { exitCode, stdout } = await runLockstep(['check', ...FLAGS, '--lr', '30', '--only', 'rate']);
    expect(stdout).toMatch(/FAIL {2}rate/);
    expect(stdout).toMatch(/-> use a lower --lr/);
    expect(exitCode).toBe(1);
  });

  it('refuses the name of no check with the status of a usage error', async () => {
    const { exitCode, stdout, stderr } = await runLockstep(['check', ...FLAGS, '--only', 'labls']);
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('E_OPTION');
  });

  it.each([
    ['check', ['--resume', 'runs/first']],
    ['check', ['--ui']],
    ['check', ['--ui', '127.0.0.1:0']],
    ['lr-find', ['--stop-signal', 'USR1']],
  ])('%s refuses %j, and says why', async (command, args) => {
    const { exitCode, stderr } = await runLockstep([command, ...FLAGS, ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`${command} does not take ${args[0]}: .*E_OPTION`));
  });

  it.each([
    ['check', ['--gpus', 'all']],
    ['lr-find', ['--config', 'gpus.json']],
  ])('%s refuses %j: its processes would have no run to join', async (command, args) => {
    const folder = temporaryFolder();
    writeFileSync(path.join(folder, 'gpus.json'), '{"gpus": "all"}');
    const given = args.map((arg) => (arg === 'gpus.json' ? path.join(folder, arg) : arg));
    const { exitCode, stdout, stderr } = await runLockstep([command, ...FLAGS, ...given]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(
      /--gpus all is for a run: .*use --engine webgpu, or choose a GPU with --device 0 \[E_OPTION\]/,
    );
  });

  it('says which options of the line have no effect, and judges by the others', async () => {
    const idle = ['--run-dir', 'runs/first', '--mlflow', 'http://127.0.0.1:5000', '--checkpoint-every', '7'];
    const { exitCode, stderr } = await runLockstep([
      'check',
      ...FLAGS,
      ...idle,
      '--test',
      '--only',
      'classes',
    ]);
    expect(stderr).toBe(
      'lockstep: no effect here, where no run is made: --checkpoint-every, --mlflow, --run-dir\n',
    );
    expect(exitCode).toBe(0);
  });

  it('refuses a folder for its pictures that cannot be made, before it looks for data', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const noData = ['--dataset', 'cifar10', '--data-dir', 'nowhere'];
    const { exitCode, stdout, stderr } = await runLockstep([
      'check',
      ...noData,
      '--save',
      path.join(file, 'seen'),
    ]);
    expect(stderr).toMatch(/cannot write .*seen: file is a file; .*\[E_IO\]/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  });

  it('saves what the network sees, into a new folder only', async () => {
    const folder = temporaryFolder();
    const seen = path.join(folder, 'seen');
    const args = ['check', ...FLAGS, '--only', 'classes', '--save', seen];
    expect((await runLockstep(args)).exitCode).toBe(0);
    expect(readdirSync(seen).sort()).toEqual(['augmented-epoch1.png', 'augmented-epoch2.png', 'inputs.png']);
    expect((await runLockstep(args)).exitCode).toBe(1);
  });
});

describe('checkTraining', () => {
  it('tells a program of each finding, in its own words', async () => {
    const told: TrainingFinding[] = [];
    const { findings, warned } = await checkTraining({
      ...onSimd,
      recipe: { ...RECIPE, evalStatistics: 'batch' },
      data: syntheticData(),
      only: ['independence'],
      onFinding: (finding) => told.push(finding),
    });
    expect(warned).toBe(1);
    expect(findings).toEqual(told);
    expect(told[0]!.advice).toContain('evalStatistics running');
  });
});

describe('lr-find', () => {
  it('gives the same curve, to the last bit, on any number of workers', async () => {
    const [one, two] = [await find({ workers: 1 }), await find({ workers: 3 })];
    expect(one.points.length).toBeGreaterThan(30);
    expect({ ...two, runDir: '' }).toEqual({ ...one, runDir: '' });
    const { points, recipe } = JSON.parse(readFileSync(path.join(one.runDir, 'lr-find.json'), 'utf8'));
    expect(points).toEqual(one.points);
    expect(recipe.seed).toBe(RECIPE.seed);
  });

  it('leaves the weights alone: a training after it ends as one without it', async () => {
    const run = () =>
      train({
        ...onSimd,
        recipe: { ...RECIPE, epochs: 1 },
        data: syntheticData(),
        workers: 1,
        runDir: path.join(temporaryFolder(), 'run'),
      });
    const before = await run();
    await find({ workers: 1 });
    expect((await run()).weightsSha256).toBe(before.weightsSha256);
  });

  it('draws the curve within 80 columns, and does not write into a folder that holds something', async () => {
    const folder = path.join(temporaryFolder(), 'rates');
    const args = ['lr-find', ...FLAGS, '--steps', '40', '--run-dir', folder];
    const { stdout } = await runLockstep(args);
    expect(stdout).toMatch(/[\u2801-\u28ff]/);
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/suggested rate|no suggestion/);
    const again = await runLockstep(args);
    expect(again.exitCode).toBe(1);
    expect(again.stderr).toContain('E_IO');
  });
});

describe('lr-find, where it cannot write', () => {
  it('refuses a folder before its first step', async () => {
    const file = path.join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    let steps = 0;
    const finding = find({ runDir: path.join(file, 'rates'), onPoint: () => steps++ });
    await expect(finding).rejects.toMatchObject({ code: 'E_IO' });
    expect(steps).toBe(0);
  });

  it('shows what it found if the folder cannot be made in the end', async () => {
    const folder = path.join(temporaryFolder(), 'x'.repeat(300)); // longer than any name may be
    const args = ['lr-find', ...FLAGS, '--steps', '30', '--run-dir', folder];
    const { exitCode, stdout, stderr } = await runLockstep(args);
    expect(stdout).toMatch(/suggested rate|no suggestion/);
    expect(stdout).not.toContain('the curve:');
    expect(stderr).toContain('E_IO');
    expect(exitCode).toBe(1);
  });
});

describe('an interrupted check', () => {
  it('says how far it came', async () => {
    const running = start(
      ['check', ...FLAGS, '--only', 'classes,size,prior,linear', '--json'],
      standingStillAt(/"name":"classes"/),
    );
    await standsStill(running);
    running.kill('SIGINT');
    running.kill('SIGCONT');
    const { exitCode, stderr } = await running.finished;
    expect(exitCode).toBe(130);
    expect(stderr).toMatch(/^lockstep: interrupted after [1-3] of 4 checks$/m);
  });
});

describe('lockstep train', () => {
  it('says in its first steps what a check would fail, once', async () => {
    const { stdout } = await runLockstep([
      'train',
      ...FLAGS,
      '--lr',
      '30',
      '--max-steps',
      '8',
      '--json',
      '--run-dir',
      path.join(temporaryFolder(), 'run'),
    ]);
    const notices = linesOf(stdout).filter(({ event }) => event === 'notice');
    expect(notices.filter(({ message }) => message.includes('is too high'))).toHaveLength(1);
    expect(notices.at(-1)!.message).toMatch(/lockstep check/);
  });
});
