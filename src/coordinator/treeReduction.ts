/**
 * The one order in which gradients are added: a pairwise tree over micro-batch indices.
 *
 * At level l, node i covers the leaves [i 2^l, (i+1) 2^l). A node with two children is their float32 sum, left plus
 * right; one whose right child covers no leaf is its left child. So the sum depends on the leaves alone: not on who
 * computed them, nor on the order in which they came. Whoever holds all leaves of an aligned range may add them
 * beforehand without changing a bit.
 */

import { invariant } from '../foundation/errors.js';
import { addInto } from './vectorKernels.js';

/** What one micro-batch contributes to a step: sums, and the count to divide by, once, at the end. */
export interface GradientLeaf {
  sampleCount: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  /** Statistics of the micro-batch times its sample count. */
  readonly statisticSum: Float32Array; // (statisticCount)
}

/** Adds leaves as they arrive; siblings are merged at once, so at most log2(n) + 1 partial sums wait for others. */
export class TreeReduction {
  private readonly waiting = new Map<string, GradientLeaf>();
  private readonly levels: number;
  private total: GradientLeaf | undefined;

  constructor(private readonly leafCount: number) {
    this.levels = 32 - Math.clz32(leafCount - 1); // ceil(log2(leafCount)), exactly
  }

  /** Takes ownership of the leaf's arrays: sums are formed in place. Each index must be added once. */
  add(index: number, leaf: GradientLeaf): void {
    invariant(index >= 0 && index < this.leafCount, `leaf ${index} of ${this.leafCount}`);
    let node = leaf;
    let position = index;
    for (let level = 0; level < this.levels; level++) {
      const sibling = position ^ 1;
      if (sibling * 2 ** level < this.leafCount) {
        const siblingKey = `${level}:${sibling}`;
        const other = this.waiting.get(siblingKey);
        if (!other) {
          this.waiting.set(`${level}:${position}`, node);
          return;
        }
        this.waiting.delete(siblingKey);
        node = position < sibling ? merge(node, other) : merge(other, node);
      }
      position >>>= 1;
    }
    this.total = node;
  }

  /** The sum over all leaves, once every one has been added. */
  result(): GradientLeaf {
    invariant(this.total, 'the reduction is read before every micro-batch has arrived');
    return this.total;
  }
}

function merge(left: GradientLeaf, right: GradientLeaf): GradientLeaf {
  addInto(left.gradientSum, right.gradientSum);
  addInto(left.statisticSum, right.statisticSum);
  left.sampleCount += right.sampleCount;
  return left;
}
