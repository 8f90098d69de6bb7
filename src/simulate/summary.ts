/** The figures of all measured steps as a few: how long a step takes, what passes where, and what limits it. */

import type { ClusterPlan } from './clusterPlan.js';
import type { Load, StepFigures } from './simulateCluster.js';

/** What a machine has to do in a step. Shares are of the step's time. */
export interface PlaceSummary {
  readonly name: 'coordinator' | 'relay' | 'node';
  /** Of relays: counted from the coordinator, from 1. */
  readonly level?: number;
  readonly machines: number;
  /** The mean of all machines and steps. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly processorMs: number;
  /** Of the busiest machine. */
  readonly shares: Readonly<Record<Resource, number>>;
}

export type Resource = 'network in' | 'network out' | 'processor';

export interface Limit {
  readonly place: PlaceSummary['name'] | 'cluster';
  readonly resource: Resource | 'compute' | 'latency';
  /** Of a step. */
  readonly share: number;
}

export interface ClusterSummary {
  readonly steps: number;
  readonly stepMs: { readonly median: number; readonly p90: number };
  readonly imagesPerSecond: number;
  /** If nothing but computing took time, and all nodes were equal. */
  readonly idealStepMs: number;
  readonly efficiency: number;
  readonly places: readonly PlaceSummary[];
  /** Micro-batches that workers began, for each that was needed: repetitions count. */
  readonly computedPerItem: number;
  /** Micro-batches in the answers that reached the coordinator, for each that was needed. */
  readonly answersPerItem: number;
  /** Messages with gradients at the coordinator, a step: a sum is one. */
  readonly answerMessages: number;
  readonly failures: number;
  readonly limit: Limit;
}

export function summarise(plan: ClusterPlan, steps: readonly StepFigures[]): ClusterSummary {
  const times = steps.map(({ stepMs }) => stepMs).sort((a, b) => a - b);
  const medianMs = quantile(times, 0.5);
  const items = Math.ceil(plan.batchSize / plan.microBatch);
  const idealStepMs = Math.ceil(items / (plan.nodes * plan.threads)) * plan.computeMs;
  const mean = (of: (step: StepFigures) => number): number => sum(steps.map(of)) / steps.length;
  const places = [
    placeOf('coordinator', steps, ({ coordinator }) => [coordinator]),
    ...plan.relays.map((count, level) => {
      const first = sum(plan.relays.slice(0, level));
      return placeOf('relay', steps, ({ relays }) => relays.slice(first, first + count), level + 1);
    }),
    placeOf('node', steps, ({ nodes }) => nodes),
  ];
  const efficiency = idealStepMs / medianMs;
  return {
    steps: steps.length,
    stepMs: { median: medianMs, p90: quantile(times, 0.9) },
    imagesPerSecond: (plan.batchSize / medianMs) * 1000,
    ...{ idealStepMs, efficiency, places },
    computedPerItem: mean(({ computed }) => computed) / items,
    answersPerItem: mean(({ coordinator }) => coordinator.answeredItems) / items,
    answerMessages: mean(({ coordinator }) => coordinator.answers),
    failures: sum(steps.map(({ failures }) => failures)),
    limit: limitOf(places, efficiency, (2 * plan.latencyMs * (plan.relays.length + 1)) / medianMs),
  };
}

function placeOf(
  name: PlaceSummary['name'],
  steps: readonly StepFigures[],
  machinesOf: (step: StepFigures) => readonly Load[],
  level?: number,
): PlaceSummary {
  const totalMs = sum(steps.map(({ stepMs }) => stepMs));
  const byMachine = machinesOf(steps[0]!).map((_, index) => steps.map((step) => machinesOf(step)[index]!));
  const mean = (of: (load: Load) => number): number =>
    sum(byMachine.map((loads) => sum(loads.map(of)))) / steps.length / byMachine.length;
  const most = (of: (load: Load) => number): number =>
    Math.max(...byMachine.map((loads) => sum(loads.map(of)))) / totalMs;
  return {
    name,
    ...(level === undefined ? {} : { level }),
    machines: byMachine.length,
    bytesIn: mean(({ bytesIn }) => bytesIn),
    bytesOut: mean(({ bytesOut }) => bytesOut),
    processorMs: mean(({ processorMs }) => processorMs),
    shares: {
      'network in': most(({ busyInMs }) => busyInMs),
      'network out': most(({ busyOutMs }) => busyOutMs),
      processor: most(({ processorMs }) => processorMs),
    },
  };
}

/** What takes the largest share of a step. */
function limitOf(places: readonly PlaceSummary[], computeShare: number, latencyShare: number): Limit {
  const limits: Limit[] = [
    { place: 'cluster', resource: 'compute', share: computeShare },
    { place: 'cluster', resource: 'latency', share: latencyShare },
    ...places.flatMap(({ name: place, shares }) =>
      Object.entries(shares).map(([resource, share]) => ({ place, resource: resource as Resource, share })),
    ),
  ];
  return limits.reduce((largest, limit) => (limit.share > largest.share ? limit : largest));
}

function quantile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(position)]!, sorted[Math.ceil(position)]!];
  return below + (above - below) * (position - Math.floor(position));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
