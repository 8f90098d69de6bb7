/** Evaluation of a set of samples, sharded across the workers like a step. */

import { gatherSamples, planEvaluation } from '../data/index.js';
import type { ImageSet } from '../data/index.js';
import type { Broadcast, Evaluated, Parameters } from '../protocol/index.js';
import { EVALUATION_CHUNK } from './config.js';
import type { Fleet, Verdict } from './fleet.js';
import type { Member } from './member.js';

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
  /** What to end with if a chunk's loss is not finite, twice; left out, such a loss is taken as it is. */
  readonly divergence?: () => Error;
  /** Told of every node whose answer is used. */
  readonly onContribution?: (member: Member) => void;
}

let evaluations = 0; // a number for each, so that a late answer cannot be taken for another evaluation's

/** Sums chunk by chunk in index order, so the loss has the same bits whoever computed it. */
export async function evaluate(fleet: Fleet, request: EvaluationRequest): Promise<EvaluationScore> {
  const { set, indices, state, signal, divergence, onContribution } = request;
  const notFinite = new Set<number>();
  const chunks = planEvaluation(indices, EVALUATION_CHUNK);
  const answers = new Array<Evaluated>(chunks.length);
  const evaluation = ++evaluations;
  await fleet.run(
    {
      kind: 'evaluate',
      round: evaluation,
      state,
      itemCount: chunks.length,
      message: (chunk) => ({ type: 'evaluate', evaluation, chunk, ...gatherSamples(set, chunks[chunk]!) }),
      accept: (answer, chunk, from) => {
        if (answer.type !== 'evaluated') return { kind: 'foul', reason: `a ${answer.type} in an evaluation` };
        const verdict = judge(answer, chunks[chunk]!.length);
        if (verdict.kind === 'accepted' && divergence && !Number.isFinite(answer.lossSum)) {
          // As with gradients: a second opinion first.
          if (notFinite.has(chunk)) fleet.abort(divergence());
          notFinite.add(chunk);
          return { kind: 'again' };
        }
        if (verdict.kind === 'accepted') {
          answers[chunk] = answer;
          onContribution?.(from);
        }
        return verdict;
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
