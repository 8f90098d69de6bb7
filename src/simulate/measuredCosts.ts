/**
 * What messages cost a coordinator: `npm run bench:simulate -- --costs` on 2026-11-27 (one core of a Xeon, Node 20): 0.89 ms of
 * processor time for a gradient of 0.30 MB, 2.00 ms for one of 1.08 MB, each with the weights and an item that it was
 * computed from. A line through both; receiving, which includes checks and sums, has five eighths of what bytes cost.
 * Relays and nodes run the same code. Another machine has other costs: `--coordinator-cpu-ms` scales them.
 */

import type { MessageCosts } from './machine.js';

export const MEASURED_COSTS: MessageCosts = {
  perMessageMs: 0.15,
  perMegabyteInMs: 0.9,
  perMegabyteOutMs: 0.53,
};

/** See `ClusterPlan.unevenShares`: with this the step times of `npm run bench:simulate` fit best. */
export const USUAL_UNEVEN_SHARES = 0.7;

/** Work between two steps: the update of the weights, and what is told of the step. */
const BETWEEN_STEPS_MS = 3;
const PER_MILLION_PARAMETERS_MS = 7;

export function betweenStepsMs(parameterCount: number): number {
  return BETWEEN_STEPS_MS + (parameterCount / 1e6) * PER_MILLION_PARAMETERS_MS;
}
