/** The all-reduce of one step: hands out the micro-batches, checks each answer, and adds the gradients in one fixed order. */

import { stepRounding } from '../../foundation/wire/rounding.js';
import type { StepRounding } from '../../foundation/wire/rounding.js';
import { alternatingFlips, augmentationKey, dropoutKey, gatherSamples } from '../../data/index.js';
import type { ImageSet, StepPlan } from '../../data/index.js';
import type { Layout } from '../../model/index.js';
import type { Broadcast, Parameters, Work } from '../../protocol/index.js';
import type { Recipe } from '../run/recipe.js';
import { divergedError } from './divergence.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Member } from '../fleet/member.js';
import { ResultJudge, scoresOf } from './resultJudge.js';
import type { Score } from './resultJudge.js';
import { SecondOpinions } from './secondOpinions.js';
import { TreeReduction } from '../vectors/treeReduction.js';
import type { GradientBuffers, GradientLeaf } from '../vectors/treeReduction.js';

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

/**
 * @throws LockstepError E_DIVERGED if a micro-batch's loss or gradient is not finite, twice (see SecondOpinions);
 *   E_NO_WORKERS; the reason of `signal` if it is aborted
 */
export async function computeGradient(fleet: Fleet, request: GradientRequest): Promise<StepGradient> {
  const { recipe, layout, epoch, plan, buffers } = request;
  const { microBatches } = plan;
  const rounding = stepRounding(recipe.wire, recipe.seed, epoch, plan.stepInEpoch);
  const reduction = new TreeReduction(microBatches.length, buffers, rounding);
  const leaves = new Array<Score>(microBatches.length);
  const sampleCountOf = (index: number): number => microBatches[index]!.samples.length;
  const judge = new ResultJudge(
    { layout, wire: recipe.wire, room: () => buffers.incomingOf(layout.parameterCount), sampleCountOf },
    new SecondOpinions((than) => fleet.hasOther(than)),
  );
  const startedMs = performance.now();
  let lastArrivalMs = startedMs;
  await fleet.run(
    {
      kind: 'work',
      round: request.step,
      state: request.state,
      itemCount: microBatches.length,
      sampleCountOf,
      message: (index) => workMessage(request, rounding, index),
      accept: (answer, index, from) => {
        lastArrivalMs = performance.now();
        if (answer.type === 'evaluated') return { kind: 'refused', reason: `a ${answer.type} in a step` };
        const judged = judge.judge(answer, index, from);
        if (judged.kind === 'unusable') return judged.verdict;
        if (judged.kind === 'not-finite') {
          const error = divergedError(`the loss or gradient of step ${request.step + 1}`, recipe);
          return { kind: 'diverged', error };
        }
        const scores = scoresOf(answer);
        scores.forEach((score, place) => (leaves[index + place] = score));
        reduction.add(index, judged.leaf, scores.length);
        request.onContribution(
          from,
          scores.reduce((sum, { sampleCount }) => sum + sampleCount, 0),
        );
        return { kind: 'accepted', contradicts: judged.contradicts };
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

function workMessage(
  { recipe, set, epoch, step, plan }: GradientRequest,
  { key }: StepRounding,
  index: number,
): Work {
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
    roundingKey: key && mutable(key),
  };
}

function mutable(key: readonly [number, number]): [number, number] {
  return [key[0], key[1]];
}
