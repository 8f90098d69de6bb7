/** Same seed, same bits: twice on one thread, and on two. */

import { found, passed } from '../finding.js';
import type { Check, LeftOut, Observation } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { FleetRun } from './fleetRun.js';

const STEPS = 3;
const DIGITS = 12;

interface Digest {
  readonly digest: string;
  readonly imagesPerSecond: number;
}

export const sameSeed: Check = {
  name: 'same-seed',
  group: 'computing',
  about: 'the same seed gives the same weights twice',
  run: async (bench) => notPromised(bench) ?? compare(bench, 'once more on one thread', 1),
};

export const threads: Check = {
  name: 'threads',
  group: 'computing',
  about: 'two threads give the weights of one',
  run: async (bench) => notPromised(bench) ?? compare(bench, 'on two threads', 2),
};

function notPromised({ subject: { computing } }: Workbench): LeftOut | undefined {
  const { exact, name } = computing.description;
  if (exact) return undefined;
  return { leftOut: [`engine ${name} promises no bits; `, { option: 'engine', value: 'simd' }, ' does'] };
}

async function compare(bench: Workbench, where: string, threadCount: number): Promise<Observation> {
  const first = await firstSteps(bench);
  const other = await runSteps(bench, threadCount);
  const expected = `the digest of one thread after ${STEPS} steps, ${first.digest.slice(0, DIGITS)}…`;
  const seen = `${other.digest.slice(0, DIGITS)}… ${where}`;
  if (other.digest === first.digest) return passed(expected, seen);
  return found('fail', {
    expected,
    seen,
    advice: 'the machine computes wrongly, or Lockstep does: test its memory, and report it with this output',
  });
}

/** On one thread; its speed serves the estimate of the run's time. */
export function firstSteps(bench: Workbench): Promise<Digest> {
  return bench.once('first steps', () => runSteps(bench, 1));
}

async function runSteps({ subject, signal }: Workbench, threadCount: number): Promise<Digest> {
  // A step of a large batch shows no more than one of a few micro-batches.
  const { microBatch, batchSize } = subject.recipe;
  const recipe = { ...subject.recipe, batchSize: Math.min(batchSize, 4 * microBatch) };
  const run = await FleetRun.start({ ...subject, recipe }, threadCount, signal);
  try {
    let images = 0;
    let seconds = 0;
    for (let step = 0; step < STEPS; step++) {
      const done = await run.step(recipe.lr / STEPS_OF_WARMUP);
      if (step > 0) {
        images += done.samples; // the first step loads the engine
        seconds += done.seconds;
      }
    }
    return { digest: run.digest(), imagesPerSecond: images / seconds };
  } finally {
    await run.close();
  }
}

/** Whether a rate is too high is for another check to say. */
const STEPS_OF_WARMUP = 1000;
