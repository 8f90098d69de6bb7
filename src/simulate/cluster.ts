/** Builds the machines of a plan, and attaches them. */

import type { Fleet } from '../coordinator/index.js';
import { Drawing } from './drawing.js';
import type { ClusterPlan } from './clusterPlan.js';
import { AnswerCount } from './home.js';
import type { Home } from './home.js';
import type { Machine } from './machine.js';
import { parameterBytes } from './messageSizes.js';
import { NetworkCard } from './networkCard.js';
import { Processor } from './processor.js';
import type { Wire } from './simulatedChannel.js';
import { SimulatedNode } from './simulatedNode.js';
import { SimulatedRelay } from './simulatedRelay.js';
import { VirtualClock } from './virtualClock.js';

/** Connections take turns after so many bytes, or a sixteenth of a message: smaller turns take time to simulate. */
const LEAST_PIECE_BYTES = 65_536;
const PIECES_OF_A_MESSAGE = 16;

export interface Cluster {
  readonly clock: VirtualClock;
  readonly coordinator: Home;
  readonly relays: readonly SimulatedRelay[];
  readonly nodes: readonly SimulatedNode[];
}

/** @param fleetOf makes the coordinator's fleet, which admits the nodes */
export function buildCluster(
  plan: ClusterPlan,
  fleetOf: (clock: VirtualClock, processor: Processor) => Fleet,
  onFailure: (error: unknown) => void,
): Cluster {
  const clock = new VirtualClock();
  const wire: Wire = { clock, sizes: plan.sizes, latencyMs: plan.latencyMs };
  const messageBytes = parameterBytes(plan.sizes);
  const pieceBytes = Math.max(LEAST_PIECE_BYTES, Math.ceil(messageBytes / PIECES_OF_A_MESSAGE));
  let machines = 0;
  const machine = (bytesPerMs: number, processor = new Processor(clock)): Machine => {
    const shares = new Drawing(plan.seed, machines++, 'shares');
    const drawShare = (): number => shares.factor(plan.unevenShares);
    const card = new NetworkCard({ clock, bytesPerMs, pieceBytes, drawShare });
    return { card, processor, costs: plan.costs };
  };
  const coordinating = machine(plan.bytesPerMs.coordinator);
  const fleet = fleetOf(clock, coordinating.processor);
  const coordinator: Home = {
    name: 'coordinator',
    machine: coordinating,
    answers: new AnswerCount(),
    admit: (channel) => fleet.admit(channel, { local: false }),
  };
  const relays: SimulatedRelay[] = [];
  let homes: readonly Home[] = [coordinator];
  for (const count of plan.relays) {
    const level = Array.from({ length: count }, (_, place) => {
      const home = spread(homes, place, count);
      const setting = { wire, machine: machine(plan.bytesPerMs.relay), index: relays.length + place, home };
      return new SimulatedRelay(setting);
    });
    relays.push(...level);
    homes = level;
  }
  const processes = Math.ceil(plan.nodes / plan.nodesPerProcess);
  const processors = Array.from({ length: processes }, () => new Processor(clock));
  const nodes = Array.from({ length: plan.nodes }, (_, index) => {
    const home = spread(homes, index, plan.nodes);
    const slowness = isSlow(plan, index) ? plan.slow.factor : 1;
    const processor = processors[Math.floor(index / plan.nodesPerProcess)]!;
    const own = machine(plan.bytesPerMs.node, processor);
    return new SimulatedNode({ wire, machine: own, index, home, plan, slowness });
  });
  for (const relay of relays) relay.attach(onFailure);
  for (const node of nodes) node.attach();
  return { clock, coordinator, relays, nodes };
}

/** Neighbours have the same home. */
function spread(homes: readonly Home[], place: number, count: number): Home {
  return homes[Math.floor((place * homes.length) / count)]!;
}

/** The slow ones are spread evenly. */
function isSlow({ nodes, slow }: ClusterPlan, index: number): boolean {
  const before = Math.floor((index * slow.nodes) / nodes);
  return Math.floor(((index + 1) * slow.nodes) / nodes) > before;
}
