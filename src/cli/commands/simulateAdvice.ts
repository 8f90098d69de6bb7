/** One sentence on what to do about what limits a cluster. */

import type { ClusterPlan, ClusterSummary } from '../../simulate/index.js';

const NEARLY_ALL = 0.9;
/** A relay for each so many nodes is not worth its machine. */
const FEWEST_BEHIND_A_RELAY = 4;

export function adviceFor(
  { nodes, relays, threads }: ClusterPlan,
  { limit, efficiency }: ClusterSummary,
): string {
  const usual = Math.round(Math.sqrt(nodes));
  const fewerGradients = 'larger micro-batches, or a wire format of fewer bytes (--wire), move fewer bytes';
  switch (limit.resource) {
    case 'compute':
      return efficiency >= NEARLY_ALL
        ? 'Computing takes nearly all of the time: more nodes make it faster.'
        : 'Computing takes most of the time: more nodes help, less than in proportion.';
    case 'latency':
      return 'The way there and back takes most of the time: larger micro-batches, or a network nearby.';
    case 'processor':
      if (limit.place === 'coordinator') {
        return relays.length === 0 && usual >= FEWEST_BEHIND_A_RELAY
          ? `The coordinator's processor is the limit: put relays before it (--relays ${usual}), or use larger micro-batches.`
          : `The coordinator's processor is the limit: larger micro-batches${threads === 1 ? ', or nodes of several threads, which send sums' : ''}.`;
      }
      return `The processor of a ${limit.place} is the limit: ${limit.place === 'relay' ? 'use more relays, or a further level (--fan-out)' : 'use larger micro-batches'}.`;
    case 'network in':
    case 'network out':
      if (limit.place === 'coordinator') {
        return relays.length === 0 && usual >= FEWEST_BEHIND_A_RELAY
          ? `The coordinator's ${limit.resource} is the limit: put relays before it (--relays ${usual}); ${fewerGradients}.`
          : `The coordinator's ${limit.resource} is the limit: a faster network card there (--coordinator-bandwidth); ${fewerGradients}.`;
      }
      return limit.place === 'relay'
        ? `The ${limit.resource} of a relay is the limit: use more relays, or a further level (--fan-out); ${fewerGradients}.`
        : `The ${limit.resource} of a node is the limit: ${fewerGradients}, and so do more threads in a node.`;
  }
}
