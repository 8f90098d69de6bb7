/** Checks gradients of nodes: the counts, the shapes, and then that all values are finite, before anything is added. */

import { floatsFromLittleEndian } from '../../foundation/littleEndian.js';
import { wireByteLength } from '../../foundation/wire/format.js';
import type { WireFormat } from '../../foundation/wire/format.js';
import { unpackFromWire } from '../../foundation/wire/kernels.js';
import type { Layout } from '../../model/index.js';
import type { Result, Sum } from '../../protocol/index.js';
import type { Member } from '../fleet/member.js';
import type { Verdict } from '../fleet/roundRequest.js';
import type { GradientLeaf } from '../vectors/treeReduction.js';
import { allFinite } from '../vectors/vectorKernels.js';
import type { SecondOpinions } from './secondOpinions.js';

export type Judgement =
  | { readonly kind: 'good'; readonly leaf: GradientLeaf; readonly contradicts: readonly Member[] }
  /** It is not finite, and a second opinion says the same. */
  | { readonly kind: 'not-finite' }
  | { readonly kind: 'unusable'; readonly verdict: Verdict };

export interface ExpectedResults {
  readonly layout: Pick<Layout, 'parameterCount' | 'statisticCount'>;
  /** Of the gradients. */
  readonly wire: WireFormat;
  /** Gives a vector for a gradient that has to be unpacked; it may be used again for the next one. */
  readonly room: () => Float32Array; // (parameterCount)
  /** Of a micro-batch that was asked for. */
  readonly sampleCountOf: (microBatch: number) => number;
}

/** The counts and the loss of one micro-batch. */
export type Score = Pick<Result, 'sampleCount' | 'lossSum' | 'correct'>;

/** One score for each micro-batch of the answer. */
export function scoresOf(answer: Result | Sum): readonly Score[] {
  if (answer.type === 'sum') return answer.leaves;
  const { sampleCount, lossSum, correct } = answer;
  return [{ sampleCount, lossSum, correct }];
}

export class ResultJudge {
  /** Micro-batches that were part of a sum that was not finite. */
  private readonly askedApart = new Set<number>();

  constructor(
    private readonly expected: ExpectedResults,
    private readonly opinions: SecondOpinions,
  ) {}

  /** @param first the micro-batch, or the first one of a sum */
  judge(answer: Result | Sum, first: number, from: Member): Judgement {
    const { layout, wire, room, sampleCountOf } = this.expected;
    const scores = scoresOf(answer);
    for (const [place, { sampleCount, correct }] of scores.entries()) {
      const expected = sampleCountOf(first + place);
      if (sampleCount === expected && correct <= expected) continue;
      return refused(`${correct} of ${sampleCount} correct in a micro-batch of ${expected} samples`);
    }
    const bytes = [answer.gradientSum.byteLength, answer.statisticSum.byteLength] as const;
    const wanted = [wireByteLength(wire, layout.parameterCount), 4 * layout.statisticCount] as const;
    if (bytes[0] !== wanted[0] || bytes[1] !== wanted[1]) {
      return refused(
        `a gradient of ${bytes[0]} and ${bytes[1]} bytes; the model needs ${wanted[0]} and ${wanted[1]}`,
      );
    }
    const indices = scores.map((_, place) => first + place);
    const gradientSum = unpackFromWire(wire, answer.gradientSum, room);
    const statisticSum = floatsFromLittleEndian(answer.statisticSum);
    const hasFiniteLosses = scores.every(({ lossSum }) => Number.isFinite(lossSum));
    if (!hasFiniteLosses || !allFinite(gradientSum) || !allFinite(statisticSum)) {
      return this.judgeNotFinite(indices, from);
    }
    const sampleCount = scores.reduce((sum, score) => sum + score.sampleCount, 0);
    const contradicts = indices.flatMap((index) => this.opinions.finite(index, from));
    return { kind: 'good', leaf: { sampleCount, gradientSum, statisticSum }, contradicts };
  }

  /**
   * Asks for a second opinion first: one faulty machine must not end a healthy run. For a sum it is not known which
   * micro-batch is to blame, and finite gradients may have an infinite sum. So its micro-batches are first computed again
   * one by one, once; this counts as no opinion.
   */
  private judgeNotFinite(indices: readonly number[], from: Member): Judgement {
    if (indices.length > 1 && !indices.some((index) => this.askedApart.has(index))) {
      for (const index of indices) this.askedApart.add(index);
      return { kind: 'unusable', verdict: { kind: 'repeat-apart' } };
    }
    const opinions = indices.map((index) => this.opinions.notFinite(index, from));
    return opinions.includes('diverged')
      ? { kind: 'not-finite' }
      : { kind: 'unusable', verdict: { kind: 'repeat' } };
  }
}

function refused(reason: string): Judgement {
  return { kind: 'unusable', verdict: { kind: 'refused', reason } };
}
