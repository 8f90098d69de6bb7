/** Where a run stands and how fast it goes, smoothed over its newest steps. */

import { totalStepsOf } from '../../coordinator/index.js';
import type { RunEvent } from '../../coordinator/index.js';

type Step = Extract<RunEvent, { event: 'step' }>;
type Epoch = Extract<RunEvent, { event: 'epoch' }>;

/** Share of the newest step in the smoothed figures. */
const SMOOTHING = 0.1;

/** A forward pass costs about a third of forward and backward: for the time of validation before it was measured. */
const SHARE_OF_FORWARD = 1 / 3;

export class Pace {
  stepsPerEpoch = 1;
  epochs = 1;
  private maxSteps = Infinity;
  private validationSamples = 0;
  private epochsDone = 0;
  private validationSeconds: number | undefined;
  private samples = 0;
  private step = 0;
  private epoch = 1;
  private stepMs: number | undefined;
  private epochLoss: number | undefined;
  private epochAccuracy: number | undefined;

  event(event: RunEvent): void {
    if (event.event === 'run-started') {
      this.stepsPerEpoch = event.stepsPerEpoch;
      this.epochs = event.epochs;
      this.maxSteps = event.maxSteps ?? Infinity;
      this.validationSamples = event.validationSamples;
      this.epochsDone = Math.floor(event.resumedAtStep / event.stepsPerEpoch);
    }
    if (event.event === 'step') this.count(event);
    if (event.event === 'epoch') this.endEpoch(event);
  }

  /** Steps completed in the epoch of the newest step. */
  get stepInEpoch(): number {
    return this.step - (this.epoch - 1) * this.stepsPerEpoch;
  }

  /** The last epoch may be cut short. */
  get stepsOfEpoch(): number {
    return Math.min(this.stepsPerEpoch, this.totalSteps - (this.epoch - 1) * this.stepsPerEpoch);
  }

  private get totalSteps(): number {
    return totalStepsOf(this);
  }

  /** Since the epoch began; NaN before its first step. */
  get loss(): number {
    return this.epochLoss ?? NaN;
  }

  get accuracy(): number {
    return this.epochAccuracy ?? NaN;
  }

  /** With validation, and as if no patience ended the run; undefined before the first step. */
  get secondsLeftInRun(): number | undefined {
    return this.secondsUntil(this.totalSteps);
  }

  get secondsLeftInEpoch(): number | undefined {
    return this.secondsUntil((this.epoch - 1) * this.stepsPerEpoch + this.stepsOfEpoch);
  }

  imagesPerSecond(samples: number): number {
    return samples / ((this.stepMs ?? NaN) / 1000);
  }

  private secondsUntil(lastStep: number): number | undefined {
    if (this.stepMs === undefined) return undefined;
    const end = Math.min(lastStep, this.maxSteps);
    const epochs = end < this.totalSteps ? Math.floor(end / this.stepsPerEpoch) : Math.ceil(this.epochs);
    const validations = Math.max(0, epochs - this.epochsDone);
    return ((end - this.step) * this.stepMs) / 1000 + validations * this.secondsOfValidation(this.stepMs);
  }

  private secondsOfValidation(stepMs: number): number {
    if (this.validationSeconds !== undefined) return this.validationSeconds;
    return (SHARE_OF_FORWARD * this.validationSamples * stepMs) / 1000 / this.samples;
  }

  private endEpoch({ epoch, validationSeconds }: Epoch): void {
    this.epochLoss = this.epochAccuracy = undefined;
    this.epochsDone = epoch;
    this.validationSeconds = validationSeconds;
  }

  private count({ step, epoch, stepMs, loss, accuracy, samples }: Step): void {
    this.samples = samples;
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
