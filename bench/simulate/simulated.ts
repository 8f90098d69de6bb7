/** The same by `simulateCluster`. */

import { buildModel, isPresetName } from '../../src/model/index.js';
import {
  betweenStepsMs,
  MEASURED_COSTS,
  simulateCluster,
  summarise,
  USUAL_UNEVEN_SHARES,
} from '../../src/simulate/index.js';
import type { ClusterPlan } from '../../src/simulate/index.js';
import { sum } from '../statistics.js';
import type { Case } from './cases.js';
import { MICRO_BATCH, PROCESSES } from './measured.js';
import type { Figures } from './measured.js';

const BYTES_PER_MS_OF_MEGABIT = 125;
/** One way, over loopback or a pair of virtual cards. */
const LATENCY_MS = 0.03;
const CIFAR_IMAGE_BYTES = 32 * 32 * 3;

/** @param processorMs of the coordinator, a step: costs are scaled to it; left out: the built-in costs */
export async function simulate(
  given: Case,
  model: string,
  steps: number,
  processorMs?: number,
): Promise<Figures> {
  const usual = planOf(given, model, steps);
  const plan = processorMs === undefined ? usual : await scaledTo(processorMs, usual);
  const figures = await simulateCluster(plan);
  const [coordinator] = summarise(plan, figures).places;
  return {
    stepMs: sum(figures.map(({ stepMs }) => stepMs)) / figures.length,
    processorMs: coordinator!.processorMs,
    bytesIn: coordinator!.bytesIn,
    bytesOut: coordinator!.bytesOut,
    answersPerItem: summarise(plan, figures).answersPerItem,
  };
}

/** A first simulation shows what the built-in costs come to. */
async function scaledTo(processorMs: number, plan: ClusterPlan): Promise<ClusterPlan> {
  const [coordinator] = summarise(plan, await simulateCluster(plan)).places;
  const factor = processorMs / coordinator!.processorMs;
  const { perMessageMs, perMegabyteInMs, perMegabyteOutMs } = plan.costs;
  return {
    ...plan,
    betweenStepsMs: plan.betweenStepsMs * factor,
    costs: {
      perMessageMs: perMessageMs * factor,
      perMegabyteInMs: perMegabyteInMs * factor,
      perMegabyteOutMs: perMegabyteOutMs * factor,
    },
  };
}

/** Nodes answer when their time is over: nothing varies. */
function planOf(
  { nodes, computeMs, megabits, relays, itemsPerNode = 1 }: Case,
  model: string,
  steps: number,
): ClusterPlan {
  if (!isPresetName(model)) throw new Error(`there is no model ${model}`);
  const { parameterCount, statisticCount } = buildModel(model).layout;
  return {
    ...{ nodes, threads: 1, relays: relays === undefined ? [] : [relays], computeMs, computeSpread: 0 },
    ...{
      batchSize: nodes * itemsPerNode * MICRO_BATCH,
      microBatch: MICRO_BATCH,
      steps,
      warmUpSteps: 3,
      seed: 1,
    },
    bytesPerMs: {
      coordinator: megabits === undefined ? Infinity : megabits * BYTES_PER_MS_OF_MEGABIT,
      ...{ relay: Infinity, node: Infinity },
    },
    latencyMs: LATENCY_MS,
    sizes: {
      ...{ parameterCount, statisticCount, imageBytes: CIFAR_IMAGE_BYTES },
      wire: 'float32',
    },
    slow: { nodes: 0, factor: 1 },
    failures: { perNodeHour: 0, awayMs: 0 },
    costs: MEASURED_COSTS,
    betweenStepsMs: betweenStepsMs(parameterCount),
    unevenShares: USUAL_UNEVEN_SHARES,
    nodesPerProcess: Math.ceil(nodes / PROCESSES),
  };
}
