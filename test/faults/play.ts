/** Plays one scenario: sets up, injects, waits for the end, checks, and says what it cost. */

import type { Fault, Scenario } from './faults.js';
import { damageCheckpoint, killCoordinator, killWhileSaving, makeClockJump } from './inject/coordinator.js';
import * as frozenWorkers from './inject/frozenWorkers.js';
import { admitHostileNode } from './inject/hostile.js';
import * as network from './inject/network.js';
import { fillDisk, makeReadOnly } from './inject/storage.js';
import * as workers from './inject/workers.js';
import { harmRelay } from './inject/relay.js';
import { Scene } from './scene.js';
import type { SceneOptions } from './scene.js';
import type { SetUp } from './training.js';

/** A run without a fault, in the same set-up: what the others are compared with. */
export async function playUndisturbed(scene: Scene, setUp: SetUp): Promise<void> {
  await scene.begin();
  if (setUp === 'test-nodes') scene.addTestNode({ name: 'guest' });
}

export function inject(scene: Scene, { fault, seed }: Scenario): Promise<void> {
  switch (fault.kind) {
    case 'worker-killed':
      return workers.killWorker(scene, fault);
    case 'worker-killed-validating':
      return workers.killWorkerValidating(scene);
    case 'worker-killed-twice':
      return workers.killWorkerTwice(scene);
    case 'worker-frozen':
      return frozenWorkers.freezeWorker(scene);
    case 'workers-frozen-long':
      return frozenWorkers.freezeWorkersLong(scene);
    case 'worker-slow':
      return frozenWorkers.slowWorker(scene, fault);
    case 'worker-drained':
      return workers.drainWorker(scene);
    case 'everyone-gone-and-back':
      return workers.loseEveryoneAndComeBack(scene);
    case 'relay':
      return harmRelay(scene, fault);
    case 'join-storm':
    case 'leave-storm':
      return workers.storm(scene, fault);
    case 'network-cut':
      return network.cutNetwork(scene);
    case 'network-half-open':
      return network.halfOpenNetwork(scene);
    case 'network-delayed':
      return network.delayNetwork(scene, fault);
    case 'network-throttled':
      return network.throttleNetwork(scene, fault);
    case 'network-reordered':
      return network.reorderNetwork(scene);
    case 'network-cut-within-frame':
      return network.cutWithinFrame(scene, fault);
    case 'hostile-node':
      return admitHostileNode(scene, fault);
    case 'coordinator-killed-saving':
      return killWhileSaving(scene, fault);
    case 'coordinator-killed':
      return killCoordinator(scene, fault, seed);
    case 'checkpoint-damaged':
      return damageCheckpoint(scene, fault);
    case 'disk-full':
      return fillDisk(scene);
    case 'read-only-folder':
      return makeReadOnly(scene, fault);
    case 'clock-jumps':
      return makeClockJump(scene, fault, seed);
  }
}

export function setUpOf(fault: Fault): SetUp {
  switch (fault.kind) {
    case 'network-half-open':
      return 'one-node';
    case 'relay':
      return 'relay-and-node';
    case 'hostile-node':
    case 'join-storm':
    case 'leave-storm':
      return 'test-nodes';
    case 'coordinator-killed':
      return fault.workers === 'threads' ? 'threads' : 'two-nodes';
    case 'coordinator-killed-saving':
    case 'checkpoint-damaged':
    case 'disk-full':
    case 'read-only-folder':
      return 'threads';
    default:
      return 'two-nodes';
  }
}

/** Whether the scenario ends only when silence has been noticed. */
export function waitsForSilence({ kind }: Fault): boolean {
  return kind === 'workers-frozen-long' || kind === 'network-half-open';
}

/** Plays it to the end of the run, and sends everybody home. @returns seconds from the first start to the end of the run */
export async function playToTheEnd(
  options: SceneOptions,
  act: (scene: Scene) => Promise<void>,
  check: (scene: Scene) => Promise<void>,
): Promise<number> {
  const scene = new Scene(options);
  try {
    await act(scene);
    const { exitCode, stderr } = await scene.ended();
    if (exitCode !== 0)
      throw new Error(
        `the run ended with ${exitCode}\n${stderr}\n${scene.coordinator.output().slice(-1500)}`,
      );
    const end = scene.coordinator.seen.find(({ event }) => event.event === 'run-finished');
    await scene.dismissNodes();
    await check(scene);
    return (end!.atMs - scene.sessions[0]!.startedMs) / 1000;
  } finally {
    await scene.close();
  }
}
