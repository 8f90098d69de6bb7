/** Evaluates a set of samples on the workers, chunk by chunk. */

import { gatherSamples, planEvaluation } from '../../data/index.js';
import type { ImageSet } from '../../data/index.js';
import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import type { Broadcast, Evaluated, Parameters } from '../../protocol/index.js';
import { EVALUATION_CHUNK } from '../run/recipe.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Member } from '../fleet/member.js';
import type { Verdict } from '../fleet/roundRequest.js';
import { SecondOpinions } from './secondOpinions.js';

export interface EvaluationScore {
  /** Mean softmax cross-entropy. */
  readonly loss: number;
  /** Share of samples that are classified correctly. */
  readonly accuracy: number;
  readonly samples: number;
  /** If they were asked for, in the order of the indices. */
  readonly logits?: Float32Array; // (N, classes)
}

export interface EvaluationRequest {
  readonly set: ImageSet;
  /** The samples of `set` to evaluate, (N). */
  readonly indices: Uint32Array;
  readonly state: Broadcast<Parameters>;
  /** Whether the score is to hold the logits of every sample. */
  readonly wantsLogits?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Makes the error to end with if training has diverged: a chunk's loss is not finite, twice. */
  readonly divergence: () => Error;
  /** Called with the node of every answer that is used. */
  readonly onContribution?: (member: Member) => void;
  /** Called when more samples are done. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Numbers the evaluations, so that a late answer is not taken for one of another evaluation. */
let evaluations = 0;

/**
 * Sums the chunks' losses in index order, so the result has the same bits whoever computed them.
 * @throws LockstepError E_NO_WORKERS, or what `divergence` makes; the reason of `signal` if it is aborted
 */
export async function evaluate(fleet: Fleet, request: EvaluationRequest): Promise<EvaluationScore> {
  const { set, indices, state, signal, divergence, onContribution } = request;
  const wanted = request.wantsLogits === true ? ({ wantsLogits: true } as const) : {};
  const opinions = new SecondOpinions((than) => fleet.hasOther(than));
  const chunks = planEvaluation(indices, EVALUATION_CHUNK);
  const answers = new Array<Evaluated>(chunks.length);
  const evaluation = ++evaluations;
  let done = 0;
  await fleet.run(
    {
      kind: 'evaluate',
      round: evaluation,
      state,
      itemCount: chunks.length,
      sampleCountOf: (chunk) => chunks[chunk]!.length,
      message: (chunk) => ({
        type: 'evaluate',
        evaluation,
        chunk,
        ...gatherSamples(set, chunks[chunk]!),
        ...wanted,
      }),
      accept: (answer, chunk, from) => {
        if (answer.type !== 'evaluated')
          return { kind: 'refused', reason: `a ${answer.type} in an evaluation` };
        const logitsPerSample = request.wantsLogits === true ? set.classNames.length : 0;
        const expected = { chunk, sampleCount: chunks[chunk]!.length, logitsPerSample };
        const verdict = judgeEvaluated(answer, expected, { opinions, from });
        if (verdict.kind === 'not-finite') return { kind: 'diverged', error: divergence() };
        if (verdict.kind !== 'accepted') return verdict;
        answers[chunk] = answer.logits ? { ...answer, logits: answer.logits.slice() } : answer; // only lent
        done += answer.sampleCount;
        request.onProgress?.(done, indices.length);
        onContribution?.(from);
        return verdict;
      },
    },
    signal,
  );
  const lossSum = answers.reduce((sum, answer) => sum + answer.lossSum, 0);
  const correct = answers.reduce((sum, answer) => sum + answer.correct, 0);
  return {
    loss: lossSum / indices.length,
    accuracy: correct / indices.length,
    samples: indices.length,
    ...(request.wantsLogits === true ? { logits: joined(answers) } : {}),
  };
}

export interface ExpectedChunk {
  readonly chunk: number;
  readonly sampleCount: number;
  /** 0 if none were asked for. */
  readonly logitsPerSample: number;
}

/** Checks the counts and lengths. If the answer is not finite, asks for a second opinion first. */
export function judgeEvaluated(
  answer: Evaluated,
  expected: ExpectedChunk,
  { opinions, from }: { readonly opinions: SecondOpinions; readonly from: Member },
): EvaluatedVerdict {
  const fault = faultOf(answer, expected);
  if (fault !== undefined) return { kind: 'refused', reason: fault };
  const { chunk } = expected;
  if (isFinite(answer)) return { kind: 'accepted', contradicts: opinions.finite(chunk, from) };
  return opinions.notFinite(chunk, from) === 'diverged' ? { kind: 'not-finite' } : { kind: 'repeat' };
}

/** `not-finite`: a second opinion says the same. */
type EvaluatedVerdict = Verdict | { readonly kind: 'not-finite' };

function faultOf(
  { sampleCount, correct, logits }: Evaluated,
  { sampleCount: expected, logitsPerSample }: ExpectedChunk,
): string | undefined {
  if (sampleCount !== expected || correct > expected) {
    return `${correct} of ${sampleCount} correct in a chunk of ${expected} samples`;
  }
  const expectedBytes = expected * logitsPerSample * Float32Array.BYTES_PER_ELEMENT;
  const byteCount = logits?.byteLength ?? 0;
  return byteCount === expectedBytes ? undefined : `${byteCount} bytes of logits instead of ${expectedBytes}`;
}

/** Logits that are not finite make a loss that is not, but for an answer that does not fit itself. */
function isFinite({ lossSum, logits }: Evaluated): boolean {
  return Number.isFinite(lossSum) && (!logits || floatsFromLittleEndian(logits).every(Number.isFinite));
}

function joined(answers: readonly Evaluated[]): Float32Array {
  const parts = answers.map(({ logits }) => floatsFromLittleEndian(logits!));
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let from = 0;
  for (const part of parts) {
    all.set(part, from);
    from += part.length;
  }
  return all;
}
