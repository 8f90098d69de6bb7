/**
 * The fixed order in which gradients are added: a pairwise tree over micro-batch indices.
 *
 * At level l, node i covers the leaves [i 2^l, (i+1) 2^l). A node with two children is their float32 sum, left plus
 * right; one whose right child covers no leaf is its left child. So the sum depends on the leaves alone: not on who
 * computed them, and not on the order in which they arrive. A node that holds all leaves of an aligned range may add them
 * beforehand without changing a bit.
 *
 * In a run of a compact wire form the leaves are rounded to it, and each sum of two is rounded again.
 */

import { invariant } from '../../foundation/errors.js';
import { roundSum } from '../../foundation/wire/rounding.js';
import type { StepRounding } from '../../foundation/wire/rounding.js';
import { addInto } from './vectorKernels.js';
import { VectorMemory } from './vectorMemory.js';

/** What one micro-batch contributes to a step: sums over its samples. They are divided once, by the total count. */
export interface GradientLeaf {
  sampleCount: number;
  readonly gradientSum: Float32Array; // (parameterCount)
  /** Statistics of the micro-batch times its sample count. */
  readonly statisticSum: Float32Array; // (statisticCount)
}

/**
 * Reused vectors for the sums. Without them, each micro-batch would leave a megabyte to the garbage collector, which would
 * take longer than the sums. The caller owns a vector until it gives it back.
 */
export class GradientBuffers {
  private readonly free: GradientLeaf[] = [];
  private incoming: Float32Array | undefined;

  constructor(private readonly memory: VectorMemory = new VectorMemory()) {}

  /** Copies the leaf, into a vector that was given back if there is one. */
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

  /** A vector for the gradient of an answer that is being added. The next call gives it again. */
  incomingOf(parameterCount: number): Float32Array {
    if (this.incoming?.length !== parameterCount) this.incoming = this.memory.vector(parameterCount);
    return this.incoming;
  }
}

/** Adds leaves as they arrive. Siblings are merged at once. Without `rounding`, sums stay as they are. */
export class TreeReduction {
  private readonly waiting = new Map<string, GradientLeaf>();
  private readonly levels: number;
  private total: GradientLeaf | undefined;

  constructor(
    private readonly leafCount: number,
    private readonly buffers: GradientBuffers,
    private readonly rounding?: StepRounding,
  ) {
    this.levels = 32 - Math.clz32(leafCount - 1); // ceil(log2(leafCount)), exactly
  }

  /**
   * Reads the leaf and does not keep it. Each index must be added once. A sum may cover leaves that were added before, if it
   * also covers one that was not: it replaces those leaves.
   * @param width if above 1, `leaf` is the sum of this many leaves, a power of two; `index` is the first, a multiple of it
   */
  add(index: number, leaf: Readonly<GradientLeaf>, width = 1): void {
    const level = 31 - Math.clz32(width);
    invariant(
      width === 2 ** level && index >= 0 && index % width === 0 && index + width <= this.leafCount,
      `leaf ${index} and ${width - 1} more of ${this.leafCount}`,
    );
    let node: GradientLeaf | undefined; // a sum in our own memory; undefined while there is only the leaf
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
        this.round(node, position >>> 1, 2 ** (at + 1));
      }
      position >>>= 1;
    }
    this.total = node ?? this.buffers.copyOf(leaf);
  }

  /** Batch statistics stay as they are: they are few. */
  private round({ gradientSum }: GradientLeaf, position: number, width: number): void {
    if (this.rounding) roundSum(this.rounding, gradientSum, position * width, width);
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

  /** @returns the sum over all leaves; the caller gives it back. All leaves must have been added */
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
