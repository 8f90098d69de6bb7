/**
 * The one order in which gradients are added: a pairwise tree over micro-batch indices.
 *
 * At level l, node i covers the leaves [i 2^l, (i+1) 2^l). A node with two children is their float32 sum, left plus
 * right; one whose right child covers no leaf is its left child. So the sum depends on the leaves alone: not on who
 * computed them, nor on the order in which they came. Whoever holds all leaves of an aligned range may add them
 * beforehand without changing a bit.
 */

import { invariant } from '../../foundation/errors.js';
import { addInto } from './vectorKernels.js';
import { VectorMemory } from './vectorMemory.js';

/** What one micro-batch contributes to a step: sums, and the count to divide by, once, at the end. */
export interface GradientLeaf {
  sampleCount: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  /** Statistics of the micro-batch times its sample count. */
  readonly statisticSum: Float32Array; // (statisticCount)
}

/**
 * Vectors to sum in, used again and again: a megabyte a micro-batch would otherwise be left to the garbage collector, which
 * takes longer over it than the sums take. Whoever takes one owns it until it is given back, or for good.
 */
export class GradientBuffers {
  private readonly free: GradientLeaf[] = [];

  constructor(private readonly memory: VectorMemory = new VectorMemory()) {}

  /** A copy of the leaf, in a vector that was given back where there is one. */
  copyOf({ sampleCount, gradientSum, statisticSum }: GradientLeaf): GradientLeaf {
    const copy = this.free.pop();
    if (copy?.gradientSum.length !== gradientSum.length || copy.statisticSum.length !== statisticSum.length) {
      const { memory } = this;
      return {
        sampleCount,
        gradientSum: memory.holding(gradientSum),
        statisticSum: memory.holding(statisticSum),
      };
    }
    copy.sampleCount = sampleCount;
    copy.gradientSum.set(gradientSum);
    copy.statisticSum.set(statisticSum);
    return copy;
  }

  giveBack(leaf: GradientLeaf): void {
    this.free.push(leaf);
  }
}

/** Adds leaves as they arrive; siblings are merged at once. */
export class TreeReduction {
  private readonly waiting = new Map<string, GradientLeaf>();
  private readonly levels: number;
  private total: GradientLeaf | undefined;

  constructor(
    private readonly leafCount: number,
    private readonly buffers: GradientBuffers,
  ) {
    this.levels = 32 - Math.clz32(leafCount - 1); // ceil(log2(leafCount)), exactly
  }

  /**
   * Reads the leaf and keeps nothing of it. Each index must be added once; a sum may cover leaves that were added before, as
   * long as it covers one that was not: these still wait within its range, and it takes their place.
   * @param width above 1: `leaf` is the sum of so many leaves, a power of two, and `index` the first of them, a multiple of it
   */
  add(index: number, leaf: Readonly<GradientLeaf>, width = 1): void {
    const level = 31 - Math.clz32(width);
    invariant(
      width === 2 ** level && index >= 0 && index % width === 0 && index + width <= this.leafCount,
      `leaf ${index} and ${width - 1} more of ${this.leafCount}`,
    );
    let node: GradientLeaf | undefined; // a sum of our own; none as long as there is but the leaf
    this.dropWithin(index, level);
    let position = index / width;
    for (let at = level; at < this.levels; at++) {
      const sibling = position ^ 1;
      if (sibling * 2 ** at < this.leafCount) {
        const siblingKey = `${at}:${sibling}`;
        const other = this.waiting.get(siblingKey);
        if (!other) {
          this.waiting.set(`${at}:${position}`, node ?? this.buffers.copyOf(leaf));
          return;
        }
        this.waiting.delete(siblingKey);
        // Left plus right and right plus left have the same bits, so either may be summed into.
        addLeaf(other, node ?? leaf);
        if (node) this.buffers.giveBack(node);
        node = other;
      }
      position >>>= 1;
    }
    this.total = node ?? this.buffers.copyOf(leaf);
  }

  private dropWithin(first: number, level: number): void {
    for (let at = 0; at < level; at++) {
      const from = first / 2 ** at;
      for (let position = from; position < from + 2 ** (level - at); position++) {
        const key = `${at}:${position}`;
        const dropped = this.waiting.get(key);
        if (dropped) this.buffers.giveBack(dropped);
        this.waiting.delete(key);
      }
    }
  }

  /** The sum over all leaves, once every one has been added; the caller's now, to be given back. */
  result(): GradientLeaf {
    invariant(this.total, 'the reduction is read before every micro-batch has arrived');
    return this.total;
  }
}

function addLeaf(target: GradientLeaf, other: Readonly<GradientLeaf>): void {
  addInto(target.gradientSum, other.gradientSum);
  addInto(target.statisticSum, other.statisticSum);
  target.sampleCount += other.sampleCount;
}
