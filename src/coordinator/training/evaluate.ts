/** Evaluation of a set of samples, sharded across the workers like a step. */

import { gatherSamples, planEvaluation } from '../../data/index.js';
import type { ImageSet } from '../../data/index.js';
import type { Broadcast, Evaluated, Parameters } from '../../protocol/index.js';
import { EVALUATION_CHUNK } from '../run/recipe.js';
import type { Fleet, Verdict } from '../fleet/fleet.js';
import type { Member } from '../fleet/member.js';
import { SecondOpinions } from './secondOpinions.js';

export interface EvaluationScore {
  /** Mean softmax cross-entropy. */
  readonly loss: number;
  /** Share of samples classified rightly. */
  readonly accuracy: number;
  readonly samples: number;
}

export interface EvaluationRequest {
  readonly set: ImageSet;
  readonly indices: Uint32Array;
  readonly state: Broadcast<Parameters>;
  readonly signal?: AbortSignal | undefined;
  /** What to end with if a chunk's loss is not finite, twice. */
  readonly divergence: () => Error;
  /** Told of every node whose answer is used. */
  readonly onContribution?: (member: Member) => void;
}

let evaluations = 0; // a number for each, so that a late answer cannot be taken for another evaluation's

/** Sums chunk by chunk in index order, so the loss has the same bits whoever computed it. */
export async function evaluate(fleet: Fleet, request: EvaluationRequest): Promise<EvaluationScore> {
  const { set, indices, state, signal, divergence, onContribution } = request;
  const opinions = new SecondOpinions((than) => fleet.hasOther(than));
  const chunks = planEvaluation(indices, EVALUATION_CHUNK);
  const answers = new Array<Evaluated>(chunks.length);
  const evaluation = ++evaluations;
  await fleet.run(
    {
      kind: 'evaluate',
      round: evaluation,
      state,
      itemCount: chunks.length,
      sampleCountOf: (chunk) => chunks[chunk]!.length,
      message: (chunk) => ({ type: 'evaluate', evaluation, chunk, ...gatherSamples(set, chunks[chunk]!) }),
      accept: (answer, chunk, from) => {
        if (answer.type !== 'evaluated') return { kind: 'foul', reason: `a ${answer.type} in an evaluation` };
        const verdict = judge(answer, chunks[chunk]!.length);
        if (verdict.kind === 'accepted' && !Number.isFinite(answer.lossSum)) {
          if (opinions.notFinite(chunk, from) === 'diverged') fleet.abort(divergence());
          return { kind: 'again' };
        }
        if (verdict.kind !== 'accepted') return verdict;
        answers[chunk] = answer;
        onContribution?.(from);
        return { kind: 'accepted', contradicts: opinions.finite(chunk, from) };
      },
    },
    signal,
  );
  const lossSum = answers.reduce((sum, answer) => sum + answer.lossSum, 0);
  const correct = answers.reduce((sum, answer) => sum + answer.correct, 0);
  return { loss: lossSum / indices.length, accuracy: correct / indices.length, samples: indices.length };
}

function judge({ sampleCount, correct }: Evaluated, expected: number): Verdict {
  if (sampleCount === expected && correct <= expected) return { kind: 'accepted' };
  return { kind: 'foul', reason: `${correct} of ${sampleCount} right in a chunk of ${expected} samples` };
}
