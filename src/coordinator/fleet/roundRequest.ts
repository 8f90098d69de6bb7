/** What the fleet is asked to compute, and what the caller makes of each answer. */

import type { Evaluated, Result, Sum } from '../../protocol/index.js';
import type { ItemSource, Member } from './member.js';

export type Answer = Result | Sum | Evaluated;

/** What an answer is, and so what happens next. */
export type Verdict =
  /** The answer is used. `contradicts`: nodes whose results for the same items must be wrong. */
  | { readonly kind: 'accepted'; readonly contradicts?: readonly Member[] }
  /** The answer cannot be used, perhaps through no fault of the node: another node computes the item again. */
  | { readonly kind: 'repeat' }
  /** The sum cannot be used, through no fault of the node: each of its items is computed again and answered alone. */
  | { readonly kind: 'repeat-apart' }
  /** The answer breaks the protocol: the node is disconnected, and another node computes the item. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Training has diverged: the run ends with this error. */
  | { readonly kind: 'diverged'; readonly error: Error };

export interface RoundRequest extends ItemSource {
  /** `open`: the items are added one by one, and the round ends when it is aborted. */
  readonly itemCount: number | 'open';
  sampleCountOf(index: number): number;
  /**
   * Judges an answer, and takes it if it is good. Called only if one of its items is still wanted.
   * @param index the item, or the first item of a sum
   */
  accept(answer: Answer, index: number, from: Member): Verdict;
}
