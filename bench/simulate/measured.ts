/** The real thing: a real coordinator, real relays, real sockets, and nodes that wait instead of computing. */

import { sum } from '../statistics.js';
import { CoordinatorProcess } from '../load/coordinatorProcess.js';
import { measureLoad } from '../load/measure.js';
import { NodeProcesses } from '../load/nodeProcesses.js';
import { processorTime } from '../load/processFigures.js';
import { RelayProcess } from '../relays/relayProcess.js';
import type { Case } from './cases.js';
import { TwoHosts } from './twoHosts.js';

export const MICRO_BATCH = 8;
const WARM_UP_STEPS = 3;
/** Of nodes. */
export const PROCESSES = 2;
const MOST_IMAGES = 50_000;

export interface Figures {
  readonly stepMs: number;
  /** Of the coordinator, a step. */
  readonly processorMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly answersPerItem: number;
}

/** @throws Error if this machine cannot play two hosts */
export async function measure(given: Case, model: string, steps: number): Promise<Figures> {
  if (given.relays !== undefined) return measureRelays(given, given.relays, model, steps);
  const { nodes, computeMs, megabits, itemsPerNode = 1 } = given;
  const options = {
    ...{ nodes: [nodes], model, microBatch: MICRO_BATCH, itemsPerNode, computeMs, steps },
    ...{ warmUpSteps: WARM_UP_STEPS, processes: PROCESSES, rounds: 1 },
  };
  const link = megabits === undefined ? undefined : new TwoHosts(megabits);
  try {
    const load = await measureLoad(nodes, options, link?.hosts);
    return {
      stepMs: 1000 / load.stepsPerSecond,
      processorMs: load.userMsPerStep + load.systemMsPerStep,
      bytesIn: load.bytesInPerSecond / load.stepsPerSecond,
      bytesOut: load.bytesOutPerSecond / load.stepsPerSecond,
      answersPerItem: load.answersPerItem,
    };
  } finally {
    link?.remove();
  }
}

/** What passes between coordinator and relays is not counted here: `npm run bench:relays` does that. */
async function measureRelays(
  { nodes, computeMs }: Case,
  relayCount: number,
  model: string,
  steps: number,
): Promise<Figures> {
  const coordinator = new CoordinatorProcess({
    ...{ model, minWorkers: nodes, batchSize: nodes * MICRO_BATCH, microBatch: MICRO_BATCH },
    ...{
      steps: WARM_UP_STEPS + steps,
      images: Math.min(MOST_IMAGES, nodes * MICRO_BATCH * (WARM_UP_STEPS + steps + 1)),
      profileFolder: undefined,
    },
  });
  const simulated = new NodeProcesses(PROCESSES, { computeMs, token: undefined });
  const relays: RelayProcess[] = [];
  try {
    const url = await coordinator.url();
    for (let index = 0; index < relayCount; index++) relays.push(new RelayProcess(url, `relay ${index}`));
    const doors = await Promise.all(relays.map((relay) => relay.url));
    for (const [index, door] of doors.entries()) {
      await simulated.attach(door, Math.floor((nodes + index) / doors.length));
    }
    const from = await coordinator.step(WARM_UP_STEPS);
    const before = processorTime(coordinator.pid);
    const to = await coordinator.step(WARM_UP_STEPS + steps);
    const after = processorTime(coordinator.pid);
    return {
      stepMs: (Date.parse(to.time) - Date.parse(from.time)) / steps,
      processorMs: sum([after.userMs, after.systemMs, -before.userMs, -before.systemMs]) / steps,
      ...{ bytesIn: NaN, bytesOut: NaN, answersPerItem: NaN },
    };
  } finally {
    simulated.end();
    for (const relay of relays) relay.end();
    coordinator.end();
  }
}
