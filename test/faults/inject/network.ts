/** Faults of the network between one node and the coordinator. */

import type { Fault } from '../faults.js';
import { PASS } from '../proxy.js';
import type { Scene } from '../scene.js';
import { asksFor, isParametersOf, isResultOf } from '../support/matching.js';
import { within } from '../support/within.js';
import { EARLIEST, holdingSteady, LATEST } from './strike.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

export async function cutNetwork(scene: Scene): Promise<void> {
  await scene.begin();
  const step = scene.drawStep(EARLIEST, LATEST);
  await holdingSteady(scene, step, async ({ proxy }) => {
    await proxy.once('work', asksFor(step), () => ({ kind: 'cut', where: 'before' }));
    await nodeIsBack(scene);
  });
}

/** The node's only connection falls silent. Both sides must notice by themselves; a new connection is possible. */
export async function halfOpenNetwork(scene: Scene): Promise<void> {
  await scene.begin();
  const { proxy } = scene.node('victim');
  await proxy.once('work', asksFor(scene.drawStep(EARLIEST, LATEST)), () => {
    proxy.swallow();
    return PASS;
  });
  await scene.coordinator.until(
    'it gives the node up',
    (event) => event.event === 'worker-left' && event.reason.includes('sign of life'),
  );
  await nodeIsBack(scene);
}

export async function delayNetwork(scene: Scene, { fromMs, toMs }: Of<'network-delayed'>): Promise<void> {
  await slowStretch(scene, { delayMs: () => scene.drawStep(fromMs, toMs) });
}

export async function throttleNetwork(
  scene: Scene,
  { bytesPerSecond }: Of<'network-throttled'>,
): Promise<void> {
  await slowStretch(scene, { bytesPerSecond });
}

const STRETCH_STEPS = 12;

/** All nodes are on the slow line, so that nobody can outrun it. */
async function slowStretch(
  scene: Scene,
  pace: { delayMs?: () => number; bytesPerSecond?: number },
): Promise<void> {
  await scene.begin();
  const step = scene.drawStep(EARLIEST, EARLIEST + 4);
  await scene.coordinator.untilStep(step);
  for (const { proxy } of scene.nodes) proxy.pace = pace;
  await scene.coordinator.untilStep(step + STRETCH_STEPS);
  for (const { proxy } of scene.nodes) proxy.pace = {};
  // At the very least a frame of weights or of work, and a result, for each of the steps but those on both borders.
  const slowedFrames = scene.nodes.reduce((sum, { proxy }) => sum + proxy.slowedFrames, 0);
  if (slowedFrames < 2 * (STRETCH_STEPS - 2)) throw new Error(`only ${slowedFrames} frames were held up`);
}

/** The answer sent on the old connection arrives after one that was sent later, on the new one. */
export async function reorderNetwork(scene: Scene): Promise<void> {
  await scene.begin();
  const step = scene.drawStep(EARLIEST, LATEST - 5);
  await holdingSteady(scene, step, async ({ proxy }) => {
    let release: (() => Promise<void>) | undefined;
    await proxy.once('a result', isResultOf(step), () => ({
      kind: 'strand',
      onStranded: (callback) => (release = callback),
    }));
    await proxy.once('a result on the new connection', isResultOf(0));
    if (!release) throw new Error('nothing was held back');
    await within('the old answer to arrive', release());
  });
}

export async function cutWithinFrame(scene: Scene, { of }: Of<'network-cut-within-frame'>): Promise<void> {
  await scene.begin();
  const step = scene.drawStep(EARLIEST, LATEST);
  const matches = of === 'result' ? isResultOf(step) : isParametersOf(step);
  await holdingSteady(scene, step, async ({ proxy }) => {
    await proxy.once(`a frame of ${of}`, matches, () => ({ kind: 'cut', where: 'within' }));
    await nodeIsBack(scene);
  });
}

/** It has come a second time by itself. */
export async function nodeIsBack(scene: Scene): Promise<void> {
  let came = 0;
  await scene.coordinator.until(
    'the node is back',
    (event) => event.event === 'worker-joined' && event.node === 'victim' && ++came === 2,
  );
}
