/**
 * Trains on a simulated cluster. The schedule, the fleet, the sums, the relays and the conversations are the real
 * ones, on a virtual clock; networks, processors and engines are replaced by the time that they take.
 */

import { computeGradient, Fleet, GradientBuffers } from '../coordinator/index.js';
import { describeError } from '../foundation/errors.js';
import { advice, OptionError } from '../foundation/options/optionError.js';
import { buildCluster } from './cluster.js';
import type { Cluster } from './cluster.js';
import type { ClusterPlan } from './clusterPlan.js';
import type { Home } from './home.js';
import type { Machine } from './machine.js';
import { SMALL_MODEL, SMALL_SET, smallRecipe, smallWeights, smallWelcome, stepPlan } from './smallNetwork.js';

/** A step that takes so long is not waited for. */
const LONGEST_STEP_MS = 48 * 3_600_000;

/** What has passed through a machine, from its start or within a time. */
export interface Load {
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly busyInMs: number;
  readonly busyOutMs: number;
  readonly processorMs: number;
}

/** Of a coordinator or relay. */
export interface HomeLoad extends Load {
  /** Micro-batches in the answers that came to it. */
  readonly answeredItems: number;
  readonly answers: number;
}

export interface StepFigures {
  readonly stepMs: number;
  readonly coordinator: HomeLoad;
  readonly relays: readonly HomeLoad[];
  readonly nodes: readonly Load[];
  /** Items that workers have begun, and nodes that have died. */
  readonly computed: number;
  readonly failures: number;
}

/**
 * Begins when all nodes are attached; from then on nodes die and return, and those that are there go on.
 * @returns the measured steps
 * @throws OptionError if the cluster does not get to the end of a step
 */
export async function simulateCluster(plan: ClusterPlan): Promise<readonly StepFigures[]> {
  const { batchSize, microBatch, steps, warmUpSteps } = plan;
  const { wire } = plan.sizes;
  const recipe = smallRecipe({ batchSize, microBatch, wire });
  let failure: unknown;
  const fail = (error: unknown): void => void (failure ??= error ?? new Error('a relay has failed'));
  let fleet!: Fleet;
  const cluster = buildCluster(
    plan,
    (clock, processor) => {
      const common = { welcome: smallWelcome(recipe), onEvent: () => undefined, waitTimeoutMs: Infinity };
      return (fleet = new Fleet({ ...common, clock, areAnswersRead: () => processor.isIdle }));
    },
    fail,
  );
  const { clock, coordinator } = cluster;
  const { processor } = coordinator.machine;
  const buffers = new GradientBuffers();
  const figures: StepFigures[] = [];
  let step = 0;
  let startedMs = 0;
  const train = async (): Promise<void> => {
    await fleet.waitForWorkers(plan.nodes * plan.threads);
    for (const node of cluster.nodes) node.becomeMortal();
    for (; step < warmUpSteps + steps; step++) {
      startedMs = clock.nowMs();
      const before = lookAt(cluster);
      const { total } = await computeGradient(fleet, {
        ...{ recipe, layout: SMALL_MODEL.layout, set: SMALL_SET, step, epoch: 0, buffers },
        ...{ plan: stepPlan(step, batchSize, microBatch), state: smallWeights(step, wire) },
        onContribution: () => undefined,
      });
      buffers.giveBack(total);
      const doneAtMs = processor.work(plan.betweenStepsMs);
      await new Promise<void>((resolve) => clock.after(doneAtMs - clock.nowMs(), resolve));
      if (step >= warmUpSteps) {
        figures.push({ stepMs: clock.nowMs() - startedMs, ...between(before, lookAt(cluster)) });
      }
    }
  };
  let isOver = false;
  const training = train().catch(fail);
  void training.then(() => (isOver = true));
  const hasEnded = await clock.passUntil(
    () => isOver || failure !== undefined,
    () => startedMs + LONGEST_STEP_MS,
  );
  if (failure !== undefined) throw asError(failure);
  if (!hasEnded) throw standstill(step, warmUpSteps);
  return figures;
}

type Look = Omit<StepFigures, 'stepMs'>;

function lookAt({ coordinator, relays, nodes }: Cluster): Look {
  return {
    coordinator: homeLoad(coordinator),
    relays: relays.map(homeLoad),
    nodes: nodes.map(({ machine }) => loadOf(machine)),
    computed: nodes.reduce((sum, { computed }) => sum + computed, 0),
    failures: nodes.reduce((sum, { failures }) => sum + failures, 0),
  };
}

function loadOf({ card, processor }: Machine): Load {
  const { bytesIn, bytesOut, busyInMs, busyOutMs } = card;
  return { bytesIn, bytesOut, busyInMs, busyOutMs, processorMs: processor.busyMs };
}

function homeLoad({ machine, answers }: Home): HomeLoad {
  return { ...loadOf(machine), answeredItems: answers.items, answers: answers.messages };
}

function between(before: Look, after: Look): Look {
  return {
    coordinator: difference(after.coordinator, before.coordinator),
    relays: after.relays.map((load, index) => difference(load, before.relays[index]!)),
    nodes: after.nodes.map((load, index) => difference(load, before.nodes[index]!)),
    computed: after.computed - before.computed,
    failures: after.failures - before.failures,
  };
}

function difference<Counts extends Load>(after: Counts, before: Counts): Counts {
  const entries = Object.entries(after) as [keyof Counts, number][];
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value - (before[name] as number)]),
  ) as unknown as Counts;
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(describeError(failure));
}

function standstill(step: number, warmUpSteps: number): OptionError {
  const name = step < warmUpSteps ? 'a step before the measured ones' : `step ${step - warmUpSteps + 1}`;
  return new OptionError(
    [`${name} does not end within ${LONGEST_STEP_MS / 3_600_000} hours of the cluster's time`],
    [
      advice(
        'give nodes that live longer (',
        { option: 'failRate' },
        ') or return sooner (',
        { option: 'returnAfter' },
        ')',
      ),
      advice('give more ', { option: 'bandwidth' }),
      advice('give a shorter ', { option: 'computeMs' }),
    ],
  );
}
