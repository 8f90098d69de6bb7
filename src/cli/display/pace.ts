/** Where a run stands and how fast it goes, smoothed over its newest steps. */

import type { RunEvent } from '../../coordinator/index.js';

type Step = Extract<RunEvent, { event: 'step' }>;

/** Share of the newest step in the smoothed figures. */
const SMOOTHING = 0.1;

export class Pace {
  stepsPerEpoch = 1;
  epochs = 1;
  private step = 0;
  private epoch = 1;
  private stepMs: number | undefined;
  private epochLoss: number | undefined;
  private epochAccuracy: number | undefined;

  event(event: RunEvent): void {
    if (event.event === 'run-started') {
      this.stepsPerEpoch = event.stepsPerEpoch;
      this.epochs = event.epochs;
    }
    if (event.event === 'step') this.count(event);
    if (event.event === 'epoch') this.epochLoss = this.epochAccuracy = undefined;
  }

  /** Steps completed in the epoch of the newest step. */
  get stepInEpoch(): number {
    return this.step - (this.epoch - 1) * this.stepsPerEpoch;
  }

  /** Since the epoch began; NaN before its first step. */
  get loss(): number {
    return this.epochLoss ?? NaN;
  }

  get accuracy(): number {
    return this.epochAccuracy ?? NaN;
  }

  /** Without validation, and as if the run went on through all its epochs; undefined before the first step. */
  get secondsLeftInRun(): number | undefined {
    return this.secondsFor(this.epochs * this.stepsPerEpoch - this.step);
  }

  get secondsLeftInEpoch(): number | undefined {
    return this.secondsFor(this.stepsPerEpoch - this.stepInEpoch);
  }

  imagesPerSecond(samples: number): number {
    return samples / ((this.stepMs ?? NaN) / 1000);
  }

  private secondsFor(steps: number): number | undefined {
    return this.stepMs === undefined ? undefined : (steps * this.stepMs) / 1000;
  }

  private count({ step, epoch, stepMs, loss, accuracy }: Step): void {
    this.step = step;
    this.epoch = epoch;
    this.stepMs = smooth(this.stepMs, stepMs);
    this.epochLoss = smooth(this.epochLoss, loss);
    this.epochAccuracy = smooth(this.epochAccuracy, accuracy);
  }
}

function smooth(previous: number | undefined, value: number): number {
  return previous === undefined ? value : previous + SMOOTHING * (value - previous);
}
