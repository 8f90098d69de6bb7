/** Faults of the coordinator's own process and of what it has written. */

import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { randomPermutation, seedKey } from '../../../src/foundation/random.js';
import { preload } from '../../integration/support/preload.js';
import { lastIsSaved, standingStillAt, stepIsDone } from '../../integration/support/standStill.js';
import type { Fault } from '../faults.js';
import type { Scene } from '../scene.js';
import { within } from '../support/within.js';
import { STEPS } from '../training.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

/** The first file written is the run's beginning. However slow the disk is, three more follow: others may be overtaken. */
const FIRST_WRITE = 2;
const LAST_WRITE = 4;

export async function killWhileSaving(scene: Scene, { at }: Of<'coordinator-killed-saving'>): Promise<void> {
  const nth = scene.drawStep(FIRST_WRITE, LAST_WRITE);
  await scene.begin({ ...preload('crashPoint'), LOCKSTEP_TEST_CRASH: `${at},${nth}` });
  await expectKilled(scene);
  await scene.resume();
}

/**
 * At steps that the seed decides, in rising order, so that each kill finds the run at work. Nodes get no further than the
 * test's own proxies let them; threads would, so with them the coordinator waits for its end at the step.
 */
export async function killCoordinator(
  scene: Scene,
  { times, workers }: Of<'coordinator-killed'>,
  seed: number,
): Promise<void> {
  const steps = randomPermutation(STEPS - 2, seedKey(seed))
    .slice(0, times)
    .sort((one, other) => one - other)
    .map((step) => step + 1);
  const waits = workers === 'threads';
  const waitingAt = (step: number | undefined): Readonly<Record<string, string>> =>
    waits && step !== undefined ? standingStillAt(stepIsDone(step)) : {};
  await scene.begin(waitingAt(steps[0]));
  for (const [index, step] of steps.entries()) {
    await (waits ? scene.coordinator.standsStill() : scene.coordinator.untilStep(step));
    scene.coordinator.kill('SIGKILL');
    await expectKilled(scene);
    await scene.resume(waitingAt(steps[index + 1]));
  }
}

export async function damageCheckpoint(scene: Scene, { how }: Of<'checkpoint-damaged'>): Promise<void> {
  // Not before the second one is there: of the first there is none before it. And not while one is written: for a moment
  // then the last one is the previous one, too, and both would be damaged.
  await scene.begin(standingStillAt(lastIsSaved(scene.drawStep(STEPS / 2, STEPS - 3), STEPS)));
  await scene.coordinator.standsStill();
  scene.coordinator.kill('SIGKILL');
  await expectKilled(scene);
  const file = scene.lastCheckpoint;
  const { size } = statSync(file);
  if (how === 'truncated') truncateSync(file, scene.random.nextBelow(size));
  else flipBit(file, scene.random.nextBelow(8 * size));
  scene.damaged.add(scene.coordinator);
  await scene.resume();
  await scene.coordinator.until(
    'it says what it does',
    (event) => event.event === 'notice' && event.message.includes('DAMAGED'),
  );
}

function flipBit(file: string, bit: number): void {
  const bytes = readFileSync(file);
  bytes[bit >>> 3]! ^= 1 << (bit & 7);
  writeFileSync(file, bytes);
}

/** @throws Error if anything else than SIGKILL ended it */
export async function expectKilled(scene: Scene): Promise<void> {
  const { exitCode, signal, stderr } = await scene.ended();
  if (signal !== 'SIGKILL')
    throw new Error(`it was not killed, but ended with ${exitCode ?? signal}\n${stderr}`);
}

const HOUR_MS = 3_600_000;

export async function makeClockJump(
  scene: Scene,
  { of, hours }: Of<'clock-jumps'>,
  seed: number,
): Promise<void> {
  const env = { ...preload('clock'), LOCKSTEP_TEST_CLOCK: `${seed},${hours}` };
  await scene.begin(of === 'coordinator' ? env : {}, of === 'worker' ? env : {});
  await within('the run to end', scene.coordinator.finished);
  if (of === 'worker') {
    if (!scene.node('victim').process.output().includes('clock jumps'))
      throw new Error("the node's clock did not jump");
    return;
  }
  const times = scene.coordinator.seen.map(({ event }) => Date.parse(event.time));
  const back = times.filter((time, index) => index > 0 && time < times[index - 1]! - HOUR_MS).length;
  if (back === 0) throw new Error('the clock never went back');
}
