/** The all-reduce of one step: hand out the micro-batches, check each answer, add them up in the one order. */

import { augmentationKey, dropoutKey, gatherSamples } from '../../data/index.js';
import type { ImageSet, StepPlan } from '../../data/index.js';
import type { LockstepError } from '../../foundation/errors.js';
import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import type { Layout } from '../../model/index.js';
import type { Broadcast, Parameters, Result, Sum, Work } from '../../protocol/index.js';
import type { Recipe } from '../run/recipe.js';
import { divergedError } from './divergence.js';
import type { Fleet, Verdict } from '../fleet/fleet.js';
import type { Member } from '../fleet/member.js';
import { SecondOpinions } from './secondOpinions.js';
import { TreeReduction } from '../vectors/treeReduction.js';
import type { GradientBuffers, GradientLeaf } from '../vectors/treeReduction.js';
import { allFinite } from '../vectors/vectorKernels.js';

export interface GradientRequest {
  readonly recipe: Recipe;
  readonly layout: Layout;
  readonly set: ImageSet;
  /** Steps completed before this one. */
  readonly step: number;
  readonly epoch: number;
  readonly plan: StepPlan;
  readonly state: Broadcast<Parameters>;
  /** Where the sums are formed; the total is to be given back to it. */
  readonly buffers: GradientBuffers;
  readonly signal?: AbortSignal | undefined;
  /** Told of every node whose gradient is used. */
  readonly onContribution: (member: Member) => void;
}

export interface StepGradient {
  readonly total: GradientLeaf;
  /** Sums over the step's samples. */
  readonly lossSum: number;
  readonly correct: number;
  /** From handing out the first item to the arrival of the last answer. */
  readonly workersMs: number;
}

/** What is counted of one micro-batch. */
type Score = Pick<Result, 'sampleCount' | 'lossSum' | 'correct'>;

/** @throws LockstepError E_DIVERGED if a micro-batch gives a loss or gradient that is not finite, twice: see SecondOpinions */
export async function computeGradient(fleet: Fleet, request: GradientRequest): Promise<StepGradient> {
  const { microBatches } = request.plan;
  const reduction = new TreeReduction(microBatches.length, request.buffers);
  const leaves = new Array<Score>(microBatches.length);
  const judge = new ResultJudge(request, new SecondOpinions((than) => fleet.hasOther(than)));
  const startedMs = performance.now();
  let lastArrivalMs = startedMs;
  await fleet.run(
    {
      kind: 'work',
      round: request.step,
      state: request.state,
      itemCount: microBatches.length,
      sampleCountOf: (index) => microBatches[index]!.samples.length,
      message: (index) => workMessage(request, index),
      accept: (answer, index, from) => {
        lastArrivalMs = performance.now();
        if (answer.type === 'evaluated') return { kind: 'foul', reason: `a ${answer.type} in a step` };
        const judged = judge.judge(answer, index, from);
        if (judged.diverged) fleet.abort(judged.diverged);
        if (!judged.leaf) return judged.verdict;
        const scores = scoresOf(answer);
        scores.forEach((score, place) => (leaves[index + place] = score));
        reduction.add(index, judged.leaf, scores.length);
        request.onContribution(from);
        return judged.verdict;
      },
    },
    request.signal,
  );
  return {
    total: reduction.result(),
    lossSum: leaves.reduce((sum, leaf) => sum + leaf.lossSum, 0),
    correct: leaves.reduce((sum, leaf) => sum + leaf.correct, 0),
    workersMs: lastArrivalMs - startedMs,
  };
}

function workMessage({ recipe, set, epoch, step, plan }: GradientRequest, index: number): Work {
  const { seed, augment } = recipe;
  return {
    type: 'work',
    step,
    microBatch: index,
    ...gatherSamples(set, plan.microBatches[index]!.samples),
    augmentationKey: augment ? mutable(augmentationKey(seed, epoch, plan.stepInEpoch, index)) : null,
    dropoutKey: mutable(dropoutKey(seed, epoch, plan.stepInEpoch, index)),
  };
}

function mutable(key: readonly [number, number]): [number, number] {
  return [key[0], key[1]];
}

interface Judgement {
  readonly verdict: Verdict;
  readonly leaf?: GradientLeaf;
  readonly diverged?: LockstepError;
}

/** Of each micro-batch that the answer is to. */
function scoresOf(answer: Result | Sum): readonly Score[] {
  return answer.type === 'sum' ? answer.leaves : [answer];
}

/** Checks shapes and counts, then finiteness, before anything is added. */
class ResultJudge {
  /** Micro-batches of sums that were not finite. */
  private readonly askedApart = new Set<number>();

  constructor(
    private readonly request: GradientRequest,
    private readonly opinions: SecondOpinions,
  ) {}

  /** @param first the micro-batch, or the first of a sum's */
  judge(answer: Result | Sum, first: number, from: Member): Judgement {
    const { layout, plan } = this.request;
    const scores = scoresOf(answer);
    for (const [place, { sampleCount, correct }] of scores.entries()) {
      const expected = plan.microBatches[first + place]!.samples.length;
      if (sampleCount === expected && correct <= expected) continue;
      return foul(`${correct} of ${sampleCount} right in a micro-batch of ${expected} samples`);
    }
    const bytes = [answer.gradientSum.byteLength, answer.statisticSum.byteLength] as const;
    if (bytes[0] !== 4 * layout.parameterCount || bytes[1] !== 4 * layout.statisticCount) {
      const wanted = `${4 * layout.parameterCount} and ${4 * layout.statisticCount}`;
      return foul(`a gradient of ${bytes[0]} and ${bytes[1]} bytes, where the model has ${wanted}`);
    }
    const indices = scores.map((_, place) => first + place);
    const gradientSum = floatsFromLittleEndian(answer.gradientSum);
    const statisticSum = floatsFromLittleEndian(answer.statisticSum);
    const hasFiniteLosses = scores.every(({ lossSum }) => Number.isFinite(lossSum));
    if (!hasFiniteLosses || !allFinite(gradientSum) || !allFinite(statisticSum)) {
      return this.judgeNotFinite(indices, from);
    }
    const sampleCount = scores.reduce((sum, score) => sum + score.sampleCount, 0);
    const contradicts = indices.flatMap((index) => this.opinions.finite(index, from));
    return { verdict: { kind: 'accepted', contradicts }, leaf: { sampleCount, gradientSum, statisticSum } };
  }

  /**
   * A second opinion first: one faulty machine must not end a healthy run. Of a sum it is not known whose fault it is, and
   * finite gradients may have an infinite sum; so its micro-batches are asked for one by one, without an opinion, once.
   */
  private judgeNotFinite(indices: readonly number[], from: Member): Judgement {
    if (indices.length > 1 && !indices.some((index) => this.askedApart.has(index))) {
      for (const index of indices) this.askedApart.add(index);
      return { verdict: { kind: 'apart' } };
    }
    const verdict: Verdict = { kind: 'again' };
    const opinions = indices.map((index) => this.opinions.notFinite(index, from));
    if (!opinions.includes('diverged')) return { verdict };
    const { recipe, step } = this.request;
    return { verdict, diverged: divergedError(`the loss or gradient of step ${step + 1}`, recipe) };
  }
}

function foul(reason: string): Judgement {
  return { verdict: { kind: 'foul', reason } };
}
