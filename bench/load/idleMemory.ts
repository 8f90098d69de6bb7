/** The coordinator's memory per idle connection. */

import { setTimeout as sleep } from 'node:timers/promises';
import { CoordinatorProcess } from './coordinatorProcess.js';
import { NodeProcesses } from './nodeProcesses.js';
import { residentBytes } from './processFigures.js';

export interface IdleMemory {
  readonly nodes: number;
  readonly residentBytes: number;
}

const SETTLING_MS = 2_000;

/** @param counts ascending numbers of nodes, for which the same coordinator is measured one after the other */
export async function measureIdleMemory(counts: readonly number[], model: string): Promise<IdleMemory[]> {
  const coordinator = new CoordinatorProcess({
    model,
    minWorkers: Math.max(...counts) + 1, // so training does not begin
    batchSize: 8,
    microBatch: 8,
    steps: 1,
    images: 16,
    profileFolder: undefined,
  });
  const simulated = new NodeProcesses(1);
  const measured: IdleMemory[] = [];
  try {
    const url = await coordinator.url();
    let attached = 0;
    for (const nodes of counts) {
      await simulated.attach(url, nodes - attached);
      attached = nodes;
      await sleep(SETTLING_MS);
      measured.push({ nodes, residentBytes: residentBytes(coordinator.pid) });
    }
    return measured;
  } finally {
    simulated.end();
    coordinator.end();
  }
}
