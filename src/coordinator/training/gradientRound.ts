/** The all-reduce of one step: hands out the micro-batches, checks each answer, and adds the gradients in one fixed order. */

import { alternatingFlips, augmentationKey, dropoutKey, gatherSamples } from '../../data/index.js';
import type { ImageSet, StepPlan } from '../../data/index.js';
import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import type { Layout } from '../../model/index.js';
import type { Broadcast, Parameters, Result, Sum, Work } from '../../protocol/index.js';
import type { Recipe } from '../run/recipe.js';
import { divergedError } from './divergence.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Member } from '../fleet/member.js';
import type { Verdict } from '../fleet/roundRequest.js';
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
  /** The memory for the sums. The caller gives the total back to it. */
  readonly buffers: GradientBuffers;
  readonly signal?: AbortSignal | undefined;
  /** Called with the node of every gradient that is used, and the number of samples in it. */
  readonly onContribution: (member: Member, samples: number) => void;
}

export interface StepGradient {
  readonly total: GradientLeaf;
  /** Sums over the step's samples. */
  readonly lossSum: number;
  readonly correct: number;
  /** Milliseconds from handing out the first item to the arrival of the last answer. */
  readonly workersMs: number;
}

/** The counts and the loss of one micro-batch. */
type Score = Pick<Result, 'sampleCount' | 'lossSum' | 'correct'>;

/**
 * @throws LockstepError E_DIVERGED if a micro-batch's loss or gradient is not finite, twice (see SecondOpinions);
 *   E_NO_WORKERS; the reason of `signal` if it is aborted
 */
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
        if (answer.type === 'evaluated') return { kind: 'refused', reason: `a ${answer.type} in a step` };
        const judged = judge.judge(answer, index, from);
        if (!judged.leaf) return judged.verdict;
        const scores = scoresOf(answer);
        scores.forEach((score, place) => (leaves[index + place] = score));
        reduction.add(index, judged.leaf, scores.length);
        request.onContribution(
          from,
          scores.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
        );
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
  const { seed, augment, flip } = recipe;
  const { samples } = plan.microBatches[index]!;
  return {
    type: 'work',
    step,
    microBatch: index,
    ...gatherSamples(set, samples),
    augmentationKey: augment ? mutable(augmentationKey(seed, epoch, plan.stepInEpoch, index)) : null,
    mirrored: augment && flip === 'alternating' ? alternatingFlips(seed, epoch, samples) : null,
    dropoutKey: mutable(dropoutKey(seed, epoch, plan.stepInEpoch, index)),
  };
}

function mutable(key: readonly [number, number]): [number, number] {
  return [key[0], key[1]];
}

interface Judgement {
  readonly verdict: Verdict;
  /** What to add, if the answer is accepted. */
  readonly leaf?: GradientLeaf;
}

/** One score for each micro-batch of the answer. */
function scoresOf(answer: Result | Sum): readonly Score[] {
  return answer.type === 'sum' ? answer.leaves : [answer];
}

/** Checks the counts, the shapes and then that all values are finite, before anything is added. */
class ResultJudge {
  /** Micro-batches that were part of a sum that was not finite. */
  private readonly askedApart = new Set<number>();

  constructor(
    private readonly request: GradientRequest,
    private readonly opinions: SecondOpinions,
  ) {}

  /** @param first the micro-batch, or the first one of a sum */
  judge(answer: Result | Sum, first: number, from: Member): Judgement {
    const { layout, plan } = this.request;
    const scores = scoresOf(answer);
    for (const [place, { sampleCount, correct }] of scores.entries()) {
      const expected = plan.microBatches[first + place]!.samples.length;
      if (sampleCount === expected && correct <= expected) continue;
      return refused(`${correct} of ${sampleCount} correct in a micro-batch of ${expected} samples`);
    }
    const bytes = [answer.gradientSum.byteLength, answer.statisticSum.byteLength] as const;
    if (bytes[0] !== 4 * layout.parameterCount || bytes[1] !== 4 * layout.statisticCount) {
      const wanted = `${4 * layout.parameterCount} and ${4 * layout.statisticCount}`;
      return refused(`a gradient of ${bytes[0]} and ${bytes[1]} bytes; the model needs ${wanted}`);
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
   * Asks for a second opinion first: one faulty machine must not end a healthy run. For a sum it is not known which
   * micro-batch is to blame, and finite gradients may have an infinite sum. So its micro-batches are first computed again
   * one by one, once; this counts as no opinion.
   */
  private judgeNotFinite(indices: readonly number[], from: Member): Judgement {
    if (indices.length > 1 && !indices.some((index) => this.askedApart.has(index))) {
      for (const index of indices) this.askedApart.add(index);
      return { verdict: { kind: 'repeat-apart' } };
    }
    const opinions = indices.map((index) => this.opinions.notFinite(index, from));
    if (!opinions.includes('diverged')) return { verdict: { kind: 'repeat' } };
    const { recipe, step } = this.request;
    const error = divergedError(`the loss or gradient of step ${step + 1}`, recipe);
    return { verdict: { kind: 'diverged', error } };
  }
}

function refused(reason: string): Judgement {
  return { verdict: { kind: 'refused', reason } };
}
