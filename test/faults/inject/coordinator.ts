/** Faults of the coordinator's own process and of what it has written. */

import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { randomPermutation, seedKey } from '../../../src/foundation/random.js';
import type { Fault } from '../faults.js';
import type { Scene } from '../scene.js';
import { within } from '../support/within.js';
import { STEPS } from '../training.js';

type Of<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>;

const preload = (name: string): string => {
  const file = fileURLToPath(new URL(`../preload/${name}.mjs`, import.meta.url));
  return `${process.env['NODE_OPTIONS'] ?? ''} --import=${file}`.trim();
};

/** Of the files written, the first is the run's beginning; later ones may be fewer where the disk is slow. */
const FIRST_WRITE = 2;
const LAST_WRITE = 5;

export async function killWhileSaving(scene: Scene, { at }: Of<'coordinator-killed-saving'>): Promise<void> {
  const nth = scene.drawStep(FIRST_WRITE, LAST_WRITE);
  await scene.begin({ NODE_OPTIONS: preload('crashPoint'), LOCKSTEP_TEST_CRASH: `${at},${nth}` });
  await expectKilled(scene);
  await scene.resume();
}

/** At steps that the seed decides, in rising order, so that each kill finds the run at work. */
export async function killCoordinator(
  scene: Scene,
  { times }: Of<'coordinator-killed'>,
  seed: number,
): Promise<void> {
  const steps = randomPermutation(STEPS - 2, seedKey(seed))
    .slice(0, times)
    .sort()
    .map((step) => step + 1);
  await scene.begin();
  for (const step of steps) {
    await scene.coordinator.untilStep(step);
    scene.coordinator.kill('SIGKILL');
    await expectKilled(scene);
    await scene.resume();
  }
}

export async function damageCheckpoint(scene: Scene, { how }: Of<'checkpoint-damaged'>): Promise<void> {
  await scene.begin();
  // Not before the second one is there: of the first there is none before it.
  await scene.coordinator.untilStep(scene.drawStep(STEPS / 2, STEPS - 3));
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
  const env = { NODE_OPTIONS: preload('clock'), LOCKSTEP_TEST_CLOCK: `${seed},${hours}` };
  await scene.begin(of === 'coordinator' ? env : {}, of === 'worker' ? env : {});
  await within('the run to end', scene.coordinator.finished);
  if (of === 'worker') return;
  const times = scene.coordinator.seen.map(({ event }) => Date.parse(event.time));
  const back = times.filter((time, index) => index > 0 && time < times[index - 1]! - HOUR_MS).length;
  if (back === 0) throw new Error('the clock never went back');
}
