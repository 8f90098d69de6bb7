/** The time of trouble: one fault after another, until the run has ended all the same. */

import type { NodeBehindProxy, Scene } from '../scene.js';
import { pause } from '../support/within.js';
import { drawFault, isComplete } from './faults.js';
import type { SoakFault } from './faults.js';
import type { Journal } from './journal.js';

/** Between two faults, on average. */
const MEAN_GAP_MS = 3_000;

export interface Disturbance {
  /** From the start to the end of the run. */
  readonly seconds: number;
  /** Honest nodes that left unasked, and their last words: there should be none. */
  readonly deserters: readonly string[];
}

/** @throws Error if a fault could not be mended, or the run ended before its time */
export async function disturb(scene: Scene, journal: Journal): Promise<Disturbance> {
  const startedMs = performance.now();
  const busy = new Set<string>();
  const mending = new Set<Promise<void>>();
  const deserters: string[] = [];
  const failures: unknown[] = [];
  await scene.begin();
  for (;;) {
    await Promise.race([scene.coordinator.finished, pause(2 * MEAN_GAP_MS * scene.random.nextUniform())]);
    if (failures.length > 0) throw failures[0];
    if (scene.coordinator.ended || isComplete(scene.coordinator)) break; // nodes leave now, and may be faster
    for (const node of desertersOf(scene, busy)) {
      deserters.push(`${node.name}: ${node.process.output().trim().split('\n').slice(-2).join(' / ')}`);
      journal.say(`a node left unasked: ${deserters.at(-1)}`);
      await scene.startNode(node.name);
    }
    const fault = drawFault(scene);
    const mended = strike(fault, scene, journal, busy).catch((error: unknown) => void failures.push(error));
    mending.add(mended);
    if (fault.alone) await mended;
  }
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(mending);
  return { seconds, deserters };
}

async function strike(
  { kind, strike: blow }: SoakFault,
  scene: Scene,
  journal: Journal,
  busy: Set<string>,
): Promise<void> {
  const tell = (detail: string): void => journal.fault(kind, detail);
  if (blow.on === 'run') return blow.act(scene, tell);
  const names = scene.random.nextBelow(2) === 0 ? ['north', 'south'] : ['south', 'north'];
  const name = names.find((one) => !busy.has(one));
  if (name === undefined) return; // both have trouble enough
  busy.add(name);
  try {
    await blow.act(scene.node(name), scene, tell);
  } finally {
    busy.delete(name);
  }
}

function desertersOf(scene: Scene, busy: ReadonlySet<string>): NodeBehindProxy[] {
  return ['north', 'south']
    .filter((name) => !busy.has(name))
    .map((name) => scene.node(name))
    .filter(({ process }) => process.ended);
}
