/** Run folders such as long trainings leave, made without training. */

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';

const RUNS = 300;
const EPOCHS = 200;
export const LONG_RUNS = 10;
const STEPS_OF_LONG = 100_000;
const STEPS_OF_SHORT = 0;
/** About 270 bytes a step: a gigabyte. */
const STEPS_OF_HUGE = 4_000_000;
const LINES_AT_ONCE = 2000;

export function makeRuns(folder: string): void {
  for (let index = 0; index < RUNS; index++) {
    const isLong = index < LONG_RUNS;
    const name = isLong ? `long-${index}` : `short-${index}`;
    makeRun(path.join(folder, name), { seed: index, steps: isLong ? STEPS_OF_LONG : STEPS_OF_SHORT });
  }
  makeRun(path.join(folder, 'huge'), { seed: RUNS, steps: STEPS_OF_HUGE });
}

function makeRun(folder: string, { seed, steps }: { readonly seed: number; readonly steps: number }): void {
  mkdirSync(path.join(folder, 'checkpoints'), { recursive: true });
  const config = { dataset: 'cifar10', model: 'resnet20', epochs: EPOCHS, lr: 0.1, seed, batchSize: 128 };
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config));
  writeMetrics(path.join(folder, 'metrics.jsonl'), steps);
  const result = {
    ...{
      weightsSha256: sha(seed),
      lastWeightsSha256: sha(seed),
      stepsCompleted: steps,
      epochsCompleted: EPOCHS,
    },
    ...{ bestEpoch: EPOCHS, bestValidationAccuracy: 0.9, imagesPerSecond: 900, wallSeconds: 9000 },
    ...{ engine: 'simd', numericsClasses: ['simd-fma/1'], exact: true, dataset: 'cifar10' },
    ...{ stoppedBy: 'epochs', testAccuracy: null, testLoss: null },
  };
  writeFileSync(path.join(folder, 'result.json'), JSON.stringify(result));
}

function writeMetrics(file: string, steps: number): void {
  const descriptor = openSync(file, 'w');
  const perEpoch = Math.max(1, Math.floor(steps / EPOCHS));
  let lines: string[] = [];
  const write = (line: object, second: number): void => {
    const time = new Date(Date.UTC(2026, 0, 1) + 1000 * second).toISOString();
    lines.push(JSON.stringify({ time, ...line }));
    if (lines.length >= LINES_AT_ONCE) flush();
  };
  const flush = (): void => {
    writeSync(descriptor, lines.map((line) => `${line}\n`).join(''));
    lines = [];
  };
  for (let epoch = 1; epoch <= EPOCHS; epoch++) {
    for (let place = 1; steps > 0 && place <= perEpoch; place++) {
      const step = (epoch - 1) * perEpoch + place;
      write(stepLine(step, epoch, steps), step / 7);
    }
    write(epochLine(epoch, perEpoch), (epoch * perEpoch) / 7);
  }
  flush();
  closeSync(descriptor);
}

function stepLine(step: number, epoch: number, steps: number): object {
  const loss = 2.3 / (1 + (20 * step) / steps) + 0.1 * Math.sin(step);
  return {
    ...{ event: 'step', step, epoch, lr: 0.1 * (1 - step / steps), loss, accuracy: 1 - loss / 2.5 },
    ...{
      samples: 128,
      imagesPerSecond: 900 + 30 * Math.cos(step),
      stepMs: 142.1234567,
      coordinationMs: 1.2039720000029774,
    },
  };
}

function epochLine(epoch: number, perEpoch: number): object {
  const loss = 2.3 / (1 + epoch / 10);
  return {
    ...{
      event: 'epoch',
      epoch,
      step: epoch * perEpoch,
      lr: 0.1,
      trainLoss: loss,
      trainAccuracy: 1 - loss / 2.5,
    },
    ...{
      validationLoss: loss + 0.1,
      validationAccuracy: 0.9 - loss / 3,
      validationSeconds: 4,
      imagesPerSecond: 900,
    },
    ...{ wallSeconds: 45 * epoch, best: true, weightsSha256: sha(epoch) },
    workers: [{ node: 'local', samples: 128 * perEpoch }],
  };
}

function sha(seed: number): string {
  return seed.toString(16).padStart(64, '0');
}
