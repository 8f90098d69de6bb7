/**
 * What messages cost a coordinator. Measured by `npm run bench:simulate -- --costs` (docs/scale.md says when, and on what);
 * relays and nodes run the same code. Another machine has other costs: `--coordinator-cpu-ms` scales them.
 */

import type { MessageCosts } from './machine.js';

export const MEASURED_COSTS: MessageCosts = {
  perMessageMs: 0.15,
  perMegabyteInMs: 1.6,
  perMegabyteOutMs: 0.8,
};

/** Work between two steps: the update of the weights, and what is told of the step. */
const BETWEEN_STEPS_MS = 1;
const PER_MILLION_PARAMETERS_MS = 4;

export function betweenStepsMs(parameterCount: number): number {
  return BETWEEN_STEPS_MS + (parameterCount / 1e6) * PER_MILLION_PARAMETERS_MS;
}
