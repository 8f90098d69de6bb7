/** The cluster that is simulated, and what it trains. */

import type { MessageCosts } from './machine.js';
import type { Sizes } from './messageSizes.js';

export interface ClusterPlan {
  readonly nodes: number;
  /** Workers of a node. */
  readonly threads: number;
  /** Relays of each level, from the coordinator down; none: a star. */
  readonly relays: readonly number[];
  /** Each way; infinite: no limit. */
  readonly bytesPerMs: {
    readonly coordinator: number;
    readonly relay: number;
    readonly node: number;
  };
  /** How unevenly a machine's connections share its network: the deviation of the logarithm of a share. */
  readonly unevenShares: number;
  /** Nodes that share an event loop: one, but for nodes that a benchmark plays. */
  readonly nodesPerProcess: number;
  /** One way. */
  readonly latencyMs: number;
  readonly sizes: Sizes;
  /** Images a step, and a micro-batch. */
  readonly batchSize: number;
  readonly microBatch: number;
  /** The median time in which a worker computes a micro-batch. */
  readonly computeMs: number;
  /** The deviation of its logarithm. */
  readonly computeSpread: number;
  /** Nodes that take longer, by a factor. */
  readonly slow: { readonly nodes: number; readonly factor: number };
  /** Nodes that die, and come back. */
  readonly failures: { readonly perNodeHour: number; readonly awayMs: number };
  /** Of the coordinator, and of relays and nodes, which run the same code. */
  readonly costs: MessageCosts;
  /** Work of the coordinator between two steps. */
  readonly betweenStepsMs: number;
  /** Steps before the measurement: the coordinator does not know yet how long its nodes take. */
  readonly warmUpSteps: number;
  readonly steps: number;
  readonly seed: number;
}
