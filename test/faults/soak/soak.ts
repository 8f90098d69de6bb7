/** Trains under one fault after another for minutes; the bits must be those of the undisturbed run. */

import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { LOCKSTEP_VERSION } from '../../../src/protocol/index.js';
import { run, temporaryFolder } from '../../integration/support/lockstep.js';
import { expectSameBits, expectUnharmed, outcomeOf } from '../checks.js';
import { SharedThreads } from '../hostileNode.js';
import { Scene } from '../scene.js';
import { disturb } from './disturb.js';
import { Journal } from './journal.js';
import { calibrate, soakRecipe, STEPS_PER_EPOCH } from './recipe.js';

interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Where soak.log and summary.json go; null: nowhere. */
  readonly record: string | null;
}

const options = JSON.parse(
  process.env['LOCKSTEP_SOAK'] ?? '{"minutes":1,"seed":1,"record":null}',
) as SoakOptions;

it(`${options.minutes} minutes under faults of seed ${options.seed} end in the bits of the undisturbed run`, async () => {
  const { minutes, seed, record } = options;
  const journal = new Journal(record);
  const threads = await SharedThreads.start(1);
  const { epochs, undisturbedStepsPerSecond } = await calibrate(minutes, threads);
  const recipe = soakRecipe(epochs);
  journal.say(
    `undisturbed, this machine does ${undisturbedStepsPerSecond.toFixed(1)} steps/s; the training has ${epochs} epochs of ${STEPS_PER_EPOCH} steps`,
  );
  const scene = new Scene({ setUp: 'thread-and-nodes', seed, threads, recipe, shortHeartbeat: true });
  try {
    const { seconds, deserters } = await disturb(scene, journal);
    const { exitCode, stderr } = await scene.ended();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    await scene.dismissNodes();
    journal.say('computing the same without a fault');
    const folder = path.join(temporaryFolder(), 'undisturbed');
    const quiet = await run(['train', '--workers', '2', '--run-dir', folder, ...recipe]);
    expect(quiet).toMatchObject({ exitCode: 0, stderr: '' });
    const undisturbed = outcomeOf(folder);
    const disturbed = outcomeOf(scene.runDir);
    journal.summarise({
      minutes,
      seed,
      recipe: recipe.join(' '),
      steps: disturbed.result.stepsCompleted,
      faults: Object.fromEntries([...journal.faults].sort()),
      faultCount: journal.faultCount,
      disturbedSeconds: Math.round(seconds),
      secondsBetweenFaults: Number((seconds / journal.faultCount).toFixed(2)),
      sessions: scene.sessions.length,
      weightsSha256: {
        disturbed: disturbed.result.weightsSha256,
        undisturbed: undisturbed.result.weightsSha256,
      },
      lastWeightsSha256: {
        disturbed: disturbed.result.lastWeightsSha256,
        undisturbed: undisturbed.result.lastWeightsSha256,
      },
      equal: disturbed.result.weightsSha256 === undisturbed.result.weightsSha256,
      lockstep: LOCKSTEP_VERSION,
      node: process.version,
      cpu: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores`,
    });
    expect(deserters).toEqual([]);
    expectSameBits(scene.runDir, undisturbed);
    await expectUnharmed(scene, undisturbed);
    journal.say('the bits are the same');
  } finally {
    await scene.close();
    await threads.close();
  }
});
