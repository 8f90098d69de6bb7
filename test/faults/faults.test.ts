/** Every fault, on real processes, ends in the bits of the undisturbed run. See docs/faults.md. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from '../integration/support/lockstep.js';
import { expectSameBits, expectUnharmed, outcomeOf } from './checks.js';
import type { Outcome } from './checks.js';
import type { Fault } from './faults.js';
import { SharedThreads } from './hostileNode.js';
import { whyNoMounts } from './inject/storage.js';
import { inject, playToTheEnd, playUndisturbed, setUpOf, waitsForSilence } from './play.js';
import { SCENARIOS } from './scenarios.js';
import type { SetUp } from './training.js';

const NEEDS_MOUNTS: ReadonlySet<Fault['kind']> = new Set(['disk-full', 'read-only-folder']);

let threads: SharedThreads;
/** What all must end in, from `lockstep train` alone. */
let undisturbed: Outcome;
/** How long each set-up takes without a fault; measured when it is first needed. */
const usualSeconds = new Map<SetUp, number>();
let noMounts: string | undefined;

beforeAll(async () => {
  noMounts = whyNoMounts(temporaryFolder());
  threads = await SharedThreads.start(2);
  await measure('threads', (outcome) => (undisturbed = outcome));
});
afterAll(() => threads.close());

async function measure(setUp: SetUp, look: (outcome: Outcome) => void): Promise<void> {
  const seconds = await playToTheEnd(
    { setUp, seed: 0, threads },
    (scene) => playUndisturbed(scene, setUp),
    (scene) => Promise.resolve(look(outcomeOf(scene.runDir))),
  );
  usualSeconds.set(setUp, seconds);
}

for (const scenario of SCENARIOS) {
  it(scenario.name, async ({ task, skip }) => {
    const { fault, seed } = scenario;
    task.meta.fault = {};
    if (noMounts !== undefined && NEEDS_MOUNTS.has(fault.kind)) skip(noMounts);
    const setUp = setUpOf(fault);
    if (!usualSeconds.has(setUp)) await measure(setUp, (outcome) => expect(outcome).toEqual(undisturbed));
    const seconds = await playToTheEnd(
      { setUp, seed, threads, shortHeartbeat: waitsForSilence(fault) },
      (scene) => inject(scene, scenario),
      async (scene) => {
        expectSameBits(scene.runDir, undisturbed);
        task.meta.fault = { equal: true };
        await expectUnharmed(scene, undisturbed);
      },
    );
    const lostSeconds = seconds - usualSeconds.get(setUp)!;
    task.meta.fault = { equal: true, lostSeconds };
  });
}
