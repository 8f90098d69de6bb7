/** One load: a number of simulated nodes on one real coordinator. */

import { median } from '../statistics.js';
import { CoordinatorProcess } from './coordinatorProcess.js';
import type { CoordinatorHost } from './coordinatorProcess.js';
import { NodeProcesses } from './nodeProcesses.js';
import type { LoadOptions } from './options.js';
import { peakResidentBytes, processorTime } from './processFigures.js';

export interface LoadFigures {
  readonly nodes: number;
  readonly microBatchesPerStep: number;
  readonly stepsMeasured: number;
  readonly stepsPerSecond: number;
  /** Received and sent by the coordinator. */
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  readonly framesInPerSecond: number;
  readonly framesOutPerSecond: number;
  /** Of the coordinator process with all its threads, per step. */
  readonly userMsPerStep: number;
  readonly systemMsPerStep: number;
  /** Answers received, divided by answers needed: the cost of repeating late items. */
  readonly answersPerItem: number;
  /** From the first packet to the welcome, with all nodes at once. */
  readonly setUpMsMedian: number;
  readonly setUpMsMax: number;
  /** The maximum of the whole run. */
  readonly residentBytesPeak: number;
  /** Connections that ended without a goodbye: none is expected. */
  readonly lost: readonly string[];
}

export interface LoadHosts {
  readonly coordinator: CoordinatorHost;
  /** A command that runs another on the host of the nodes. */
  readonly nodesPrefix: readonly string[];
}

/** All images of the synthetic set. */
const MOST_IMAGES = 50_000;

/** The same for every number of nodes, so that memory can be compared; one epoch, so that only steps are measured. */
function imagesNeeded({ nodes, itemsPerNode, microBatch, warmUpSteps, steps }: LoadOptions): number {
  return Math.max(...nodes) * itemsPerNode * microBatch * (warmUpSteps + steps + 1);
}

/** @param hosts where coordinator and nodes run; left out: here, joined by loopback */
export async function measureLoad(
  nodes: number,
  options: LoadOptions,
  hosts?: LoadHosts,
): Promise<LoadFigures> {
  const { model, microBatch, itemsPerNode, warmUpSteps, steps, processes, profile, computeMs } = options;
  const microBatches = nodes * itemsPerNode;
  const coordinator = new CoordinatorProcess({
    model,
    minWorkers: nodes,
    batchSize: microBatches * microBatch,
    microBatch,
    steps: warmUpSteps + steps,
    images: Math.min(MOST_IMAGES, imagesNeeded(options)),
    profileFolder: profile,
    host: hosts?.coordinator,
  });
  const settings = { computeMs, token: hosts?.coordinator.token };
  const simulated = new NodeProcesses(Math.min(processes, nodes), settings, hosts?.nodesPrefix);
  try {
    const url = await coordinator.url();
    const setUpMs = await simulated.attach(url, nodes); // training begins
    const from = await coordinator.step(warmUpSteps);
    const [timeBefore, before] = [processorTime(coordinator.pid), await simulated.traffic()];
    const to = await coordinator.step(warmUpSteps + steps);
    const [timeAfter, after] = [processorTime(coordinator.pid), await simulated.traffic()];
    const residentBytesPeak = peakResidentBytes(coordinator.pid);
    await coordinator.finished();

    const seconds = (Date.parse(to.time) - Date.parse(from.time)) / 1000;
    const framesIn = after.framesToCoordinator - before.framesToCoordinator;
    return {
      nodes,
      microBatchesPerStep: microBatches,
      stepsMeasured: steps,
      stepsPerSecond: steps / seconds,
      bytesInPerSecond: (after.bytesToCoordinator - before.bytesToCoordinator) / seconds,
      bytesOutPerSecond: (after.bytesFromCoordinator - before.bytesFromCoordinator) / seconds,
      framesInPerSecond: framesIn / seconds,
      framesOutPerSecond: (after.framesFromCoordinator - before.framesFromCoordinator) / seconds,
      userMsPerStep: (timeAfter.userMs - timeBefore.userMs) / steps,
      systemMsPerStep: (timeAfter.systemMs - timeBefore.systemMs) / steps,
      answersPerItem: framesIn / (steps * microBatches),
      setUpMsMedian: median(setUpMs),
      setUpMsMax: Math.max(...setUpMs),
      residentBytesPeak,
      lost: simulated.lost,
    };
  } finally {
    simulated.end();
    coordinator.end();
  }
}
