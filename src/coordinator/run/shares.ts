/** Who computed how much of an epoch: the samples whose gradients were used, by the node's name. */

/** A node's share of an epoch. */
export interface NodeShare {
  readonly node: string;
  readonly samples: number;
}

/** A line of metrics.jsonl stays short however many nodes come and go. */
const MOST_NODES = 64;
const OTHERS = '(others)';

export class Shares {
  private samples = new Map<string, number>();

  /** Nodes of one name count as one. */
  add(node: string, samples: number): void {
    const isKnown = this.samples.has(node) || this.samples.size < MOST_NODES;
    const name = isKnown ? node : OTHERS;
    this.samples.set(name, (this.samples.get(name) ?? 0) + samples);
  }

  /** Those since the last call, the largest share first. */
  take(): readonly NodeShare[] {
    const shares = [...this.samples].map(([node, samples]) => ({ node, samples }));
    this.samples = new Map();
    return shares.sort((a, b) => b.samples - a.samples);
  }
}
