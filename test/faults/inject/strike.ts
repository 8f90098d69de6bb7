/** What injectors that strike while nodes work have in common: when, at whom, and who must wait meanwhile. */

import { PASS } from '../proxy.js';
import type { NodeBehindProxy, Scene } from '../scene.js';
import { asksFor, isResultOf } from '../support/matching.js';
import { STEPS } from '../training.js';

/** Late enough that the run is in its stride, early enough that much is left to do. */
export const EARLIEST = 3;
export const LATEST = STEPS - 10;

/** Sends every node a signal when the victim is about to get work. */
export async function signalEveryone(scene: Scene, signal: NodeJS.Signals): Promise<void> {
  const { proxy } = scene.node('victim');
  await proxy.once('work', asksFor(scene.drawStep(EARLIEST, LATEST)), () => {
    for (const { process } of scene.nodes) process.kill(signal);
    return PASS;
  });
}

/**
 * The other node's answers from this step on are held until the harm is done: alone it could end the run before the victim
 * is back.
 */
export async function holdingSteady(
  scene: Scene,
  step: number,
  harm: (victim: NodeBehindProxy) => Promise<void>,
): Promise<void> {
  const over = harm(scene.node('victim'));
  scene.node('steady').proxy.holdUntil(over, isResultOf(step));
  await over;
}
