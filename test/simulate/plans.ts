/** Plans of clusters for tests: nothing costs anything but what a test adds. */

import type { ClusterPlan } from '../../src/simulate/index.js';

export const FREE = { perMessageMs: 0, perMegabyteInMs: 0, perMegabyteOutMs: 0 };

export function planWith(change: Partial<ClusterPlan>): ClusterPlan {
  const { nodes = 8, threads = 1, microBatch = 8 } = change;
  return {
    ...{ nodes, threads, microBatch, batchSize: nodes * threads * microBatch, relays: [] },
    bytesPerMs: { coordinator: Infinity, relay: Infinity, node: Infinity },
    latencyMs: 0,
    sizes: {
      ...{ parameterCount: 250_000, statisticCount: 1_000, imageBytes: 3072 },
      wire: 'float32',
    },
    ...{ computeMs: 100, computeSpread: 0, unevenShares: 0, nodesPerProcess: 1 },
    slow: { nodes: 0, factor: 1 },
    failures: { perNodeHour: 0, awayMs: 1000 },
    ...{ costs: FREE, betweenStepsMs: 0, warmUpSteps: 3, steps: 10, seed: 1 },
    ...change,
  };
}
