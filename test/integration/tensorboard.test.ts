/** TensorBoard's event files of real runs, read by an independent parser and, where Python has it, by TensorBoard itself. */

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { curveOf, readRunEvents } from '../support/eventFiles.js';
import { killAll, readResult, run, start, temporaryFolder } from './support/lockstep.js';
import { standingStillAt, standsStill, stepIsDone } from './support/standStill.js';

const RECIPE = [
  ...['--dataset', 'synthetic', '--model', 'resnet8', '--train-limit', '600', '--val-size', '100'],
  ...['--epochs', '2', '--batch-size', '48', '--micro-batch', '24', '--checkpoint-every', '3'],
];
const STEPS = 26;
const KILLED_AFTER_STEP = 16;

const PYTHON = process.env['LOCKSTEP_TENSORBOARD_PYTHON'] ?? 'python3';
const READER = fileURLToPath(new URL('support/readTensorBoard.py', import.meta.url));
const isThere = spawnSync(PYTHON, ['-c', 'import tensorboard'], { stdio: 'ignore' }).status === 0;
if (!isThere) {
  console.warn(
    `SKIPPED: TensorBoard itself reads nothing: ${PYTHON} has no tensorboard (LOCKSTEP_TENSORBOARD_PYTHON names one that has)`,
  );
}

afterEach(killAll);

interface Line {
  readonly event: string;
  readonly time: string;
  readonly step: number;
  readonly [field: string]: unknown;
}

function linesOf(runDir: string, event: string): readonly Line[] {
  const text = readFileSync(path.join(runDir, 'metrics.jsonl'), 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.event === event);
}

/** Where the values of a curve stand in metrics.jsonl. */
const SOURCES = [
  ['loss/step', 'step', 'loss'],
  ['accuracy/step', 'step', 'accuracy'],
  ['learning_rate', 'step', 'lr'],
  ['images_per_second/step', 'step', 'imagesPerSecond'],
  ['loss/train', 'epoch', 'trainLoss'],
  ['loss/validation', 'epoch', 'validationLoss'],
  ['accuracy/train', 'epoch', 'trainAccuracy'],
  ['accuracy/validation', 'epoch', 'validationAccuracy'],
  ['images_per_second/epoch', 'epoch', 'imagesPerSecond'],
] as const;

type Point = readonly [wallTime: number, step: number, value: number];

function expected(runDir: string, event: string, field: string): readonly Point[] {
  return linesOf(runDir, event).map((line) => [
    Date.parse(line.time) / 1000,
    line.step,
    Math.fround(line[field] as number),
  ]);
}

interface Found {
  readonly scalars: Readonly<Record<string, readonly Point[]>>;
  readonly images: Readonly<Record<string, readonly (readonly [number, number, number])[]>>;
  readonly hparams: { readonly group: string; readonly values: Readonly<Record<string, unknown>> } | null;
}

/** @returns what gives TensorBoard's view of a folder, now and whenever it is called again */
function tensorBoardOn(runDir: string): () => Promise<Found> {
  const child = spawn(PYTHON, [READER, runDir], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let isFirst = true;
  return async () => {
    if (!isFirst) child.stdin.write('\n');
    isFirst = false;
    const { value, done } = await lines.next();
    if (done === true) throw new Error('the reader has ended');
    return JSON.parse(value) as Found;
  };
}

/** A run that is killed in its second epoch; `atKill` looks at what it left. */
async function killedAndResumed(
  atKill: (runDir: string) => Promise<void> = () => Promise.resolve(),
): Promise<string> {
  const runDir = path.join(temporaryFolder(), 'killed');
  const killed = start(
    ['train', ...RECIPE, '--run-dir', runDir],
    standingStillAt(stepIsDone(KILLED_AFTER_STEP)),
  );
  await standsStill(killed);
  killed.kill('SIGKILL');
  await killed.finished;
  await atKill(runDir);
  const { stderr, exitCode } = await run(['train', '--resume', runDir]);
  expect(stderr).toBe('');
  expect(exitCode).toBe(0);
  expect(readResult(runDir).stepsCompleted).toBe(STEPS);
  return runDir;
}

describe('the TensorBoard event files of a run that was killed and resumed', () => {
  it('hold each step once, in order, with the numbers of metrics.jsonl', async () => {
    const runDir = await killedAndResumed();
    const events = readRunEvents(runDir);
    for (const [tag, event, field] of SOURCES) {
      const points = curveOf(events, tag).map(({ wallTime, step, value }) => [wallTime, step, value]);
      expect(points, tag).toEqual(expected(runDir, event, field));
    }
    expect(curveOf(events, 'loss/step').map(({ step }) => step)).toEqual(
      Array.from({ length: STEPS }, (_, index) => index + 1),
    );
    const [picture] = events.flatMap(({ images }) => [...images.values()]);
    expect(picture?.png.subarray(1, 4).toString('latin1')).toBe('PNG');
    expect(picture?.png.readUInt32BE(16)).toBe(picture?.width);
  });

  it('leave the weights as they are without them, and are not there with --no-tensorboard', async () => {
    const [withFiles, without] = [
      path.join(temporaryFolder(), 'with'),
      path.join(temporaryFolder(), 'without'),
    ];
    await run(['train', ...RECIPE, '--max-steps', '4', '--run-dir', withFiles]);
    await run(['train', ...RECIPE, '--max-steps', '4', '--run-dir', without, '--no-tensorboard']);
    expect(readResult(without).weightsSha256).toBe(readResult(withFiles).weightsSha256);
    expect(readRunEvents(withFiles).length).toBeGreaterThan(4);
    expect(readRunEvents(without)).toEqual([]);
    const { stderr } = await run(['train', '--resume', without, '--max-steps', '6']);
    expect(stderr).toBe('');
    expect(readRunEvents(without)).toEqual([]);
  });

  it.skipIf(!isThere)(
    'show the same curves to TensorBoard, opened before the kill or after the end',
    async () => {
      let openedBefore: (() => Promise<Found>) | undefined;
      const runDir = await killedAndResumed(async (folder) => {
        openedBefore = tensorBoardOn(folder);
        await openedBefore();
      });
      for (const found of [await openedBefore!(), await tensorBoardOn(runDir)()]) {
        for (const [tag, event, field] of SOURCES) {
          expect(found.scalars[tag], tag).toEqual(expected(runDir, event, field));
        }
        expect(found.hparams?.group).toBe('killed');
        expect(found.hparams?.values).toMatchObject({
          lr: 0.1,
          model: 'resnet8',
          augment: true,
          batchSize: 48,
        });
        expect(found.images['filters/first_layer']?.length).toBeGreaterThan(0);
      }
    },
  );
});
