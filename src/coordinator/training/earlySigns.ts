/**
 * What the first steps of a run already show: a network or a rate with which the rest is lost time. Nothing is computed for
 * it, and nothing is changed: a sentence is said, once, and training goes on.
 */

import { commandLine } from '../../foundation/commandLine.js';
import { deterministicLog } from '../../foundation/deterministicMath.js';
import { tensorView } from '../../model/index.js';
import type { Model } from '../../model/index.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';

/** Logits of deviation 1, which Kaiming's weights give, cost half a nat more than a guess; those of deviation 2, two. */
const FAR = 2;
const TOO_FAR = 3;
const LITTLE = 0.7;

/** Of the mean loss of the first step, beside ln(classes), the loss of a guess. */
export function judgeFirstLoss(loss: number, classCount: number): 'pass' | 'warn' | 'fail' {
  const guess = deterministicLog(classCount);
  if (!(loss <= TOO_FAR * guess)) return 'fail';
  if (loss < LITTLE * guess) return 'fail';
  return loss <= FAR * guess ? 'pass' : 'warn';
}

/** Steps that are looked at. */
export const EARLY_STEPS = 20;
const LAST = 5;
/** A mean loss that has risen by so much has not risen by chance. */
const RISEN = 1.3;
/** Batch normalisation brings a loss back that has leapt up: the weights have grown, and learn little from then on. */
const LEAPT = 2;

/** Whether the first losses of a run show that its rate is too high. */
export function risesEarly(losses: readonly number[], classCount: number): boolean {
  const start = Math.max(losses[0] ?? 0, deterministicLog(classCount));
  if (losses.some((loss) => !(loss <= LEAPT * start))) return true;
  if (losses.length < EARLY_STEPS) return false;
  const last = losses.slice(-LAST);
  return last.reduce((sum, loss) => sum + loss, 0) / LAST > RISEN * start;
}

export interface EarlyStep {
  /** Steps completed before this one. */
  readonly step: number;
  readonly loss: number;
  readonly lr: number;
  readonly total: Pick<GradientLeaf, 'statisticSum'>;
}

export class EarlySigns {
  private losses: number[] = [];
  private isDone = false;

  constructor(
    private readonly model: Pick<Model, 'layers' | 'classCount'>,
    private readonly tell: (message: string) => void,
  ) {}

  /** To be called with every step, in order; a run that is resumed later than its first step is not looked at. */
  see(step: EarlyStep): void {
    if (this.isDone) return;
    if (step.step !== this.losses.length || step.step >= EARLY_STEPS) {
      this.isDone = true;
      return;
    }
    this.losses.push(step.loss);
    const sign = this.signIn(step);
    if (sign === undefined) return;
    this.isDone = true;
    this.tell(`${sign}; see what is wrong with: ${commandLine('check')}, and the options of this run`);
  }

  private signIn({ step, loss, lr, total }: EarlyStep): string | undefined {
    const { classCount } = this.model;
    if (step === 0) {
      const dead = this.deadLayer(total);
      if (dead !== undefined) return `layer ${dead} is dead: it puts out zeros for every image`;
      if (judgeFirstLoss(loss, classCount) !== 'pass') {
        return `the loss of the first step is ${loss.toFixed(2)}, far from ln(${classCount}) = ${deterministicLog(classCount).toFixed(2)}, that of a guess`;
      }
    }
    if (!risesEarly(this.losses, classCount)) return undefined;
    return `the loss rose from ${this.losses[0]!.toFixed(2)} to ${loss.toFixed(2)} in ${step + 1} steps: the learning rate, ${lr} now, is too high`;
  }

  /** The layer before a batch normalisation that has only zeros to normalise. */
  private deadLayer({ statisticSum }: EarlyStep['total']): string | undefined {
    const { layers } = this.model;
    for (const layer of layers) {
      if (layer.kind !== 'batch-normalisation') continue;
      const parts = [layer.runningMean, layer.runningVariance].map((spec) => tensorView(statisticSum, spec));
      if (parts.every((part) => part.every((value) => value === 0))) {
        return layers[layer.input]?.name ?? layer.name;
      }
    }
    return undefined;
  }
}
