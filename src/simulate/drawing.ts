/** What differs by chance: how long an item takes, and when a node fails. The seed fixes all of it. */

import { deterministicLog } from '../foundation/deterministicMath.js';
import { deriveKey, Purpose, RandomStream, seedKey } from '../foundation/random.js';

const WHAT = ['durations', 'failures', 'shares'] as const;
type What = (typeof WHAT)[number];

export class Drawing {
  private readonly stream: RandomStream;

  /** @param what one of several independent sequences of the node */
  constructor(seed: number, node: number, what: What) {
    const place = WHAT.indexOf(what);
    this.stream = new RandomStream(deriveKey(seedKey(seed), Purpose.simulation, node, place));
  }

  /** Log-normal, with a median of 1. @param spread the deviation of its logarithm */
  factor(spread: number): number {
    return spread === 0 ? 1 : exponential(spread * this.stream.nextNormal());
  }

  /** The time until something happens that is as likely at any moment. */
  waitMs(meanMs: number): number {
    return -meanMs * deterministicLog(1 - this.stream.nextUniform());
  }
}

const HALVINGS = 10;
const TERMS = 8;

/** e to the x, of exact operations: Math.exp may differ between hosts. Good to twelve digits for |x| below 50. */
function exponential(x: number): number {
  const small = x / 2 ** HALVINGS;
  let result = 1;
  for (let term = TERMS; term >= 1; term--) result = 1 + (result * small) / term;
  for (let halving = 0; halving < HALVINGS; halving++) result *= result;
  return result;
}
