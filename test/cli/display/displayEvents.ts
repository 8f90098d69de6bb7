/** Events and a stream to show them on. */

import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';
import type { RunEvent } from '../../../src/coordinator/index.js';

/** Keeps what is written to it. */
export class FakeTerminal extends Writable {
  text = '';

  constructor(readonly columns: number) {
    super();
  }

  override _write(chunk: Buffer, _encoding: unknown, done: () => void): void {
    this.text += chunk.toString();
    done();
  }

  /** What a terminal's rows show, in the end: a row that is cleared and written again shows only the latter. */
  get rows(): readonly string[] {
    return this.text.split('\n').map((row) => row.split('\r\u001b[2K').at(-1)!);
  }

  get asTerminal(): WriteStream {
    return this as unknown as WriteStream;
  }
}

/** 10 epochs of 100 steps. */
export const STARTED: Extract<RunEvent, { event: 'run-started' }> = {
  event: 'run-started',
  runDir: 'runs/a',
  model: 'resnet20',
  dataset: 'cifar10',
  parameterCount: 272_474,
  trainingSamples: 12_800,
  validationSamples: 0,
  stepsPerEpoch: 100,
  epochs: 10,
  maxSteps: null,
  resumedAtStep: 0,
};

/** A step of 2 s with 128 images. */
export function step(number: number, change: { loss?: number; accuracy?: number } = {}): RunEvent {
  return {
    event: 'step',
    step: number,
    epoch: Math.ceil(number / 100),
    lr: 0.1,
    loss: 1.5,
    accuracy: 0.25,
    samples: 128,
    imagesPerSecond: 64,
    stepMs: 2000,
    coordinationMs: 10,
    ...change,
  };
}

export function epochEnd(epoch: number, change: { validationSeconds?: number } = {}): RunEvent {
  return {
    event: 'epoch',
    epoch,
    step: 100 * epoch,
    lr: 0.1,
    trainLoss: 1.2,
    trainAccuracy: 0.5,
    validationLoss: null,
    validationAccuracy: null,
    validationSeconds: 0,
    imagesPerSecond: 64,
    wallSeconds: 200,
    best: false,
    weightsSha256: 'abc',
    workers: [],
    ...change,
  };
}

const member = (node: string, threads: number) =>
  ({ node, threads, engine: 'simd', device: 'cpu', numericsClass: 'c', workersNow: 0 }) as const;

export const joined = (node: string, threads: number): RunEvent => ({
  event: 'worker-joined',
  ...member(node, threads),
});

export const left = (node: string, threads: number): RunEvent => ({
  event: 'worker-left',
  reason: 'it said so',
  ...member(node, threads),
});
