/** Same seed, same bits: twice on one thread, and on two. */

import type { Recipe } from '../../coordinator/index.js';
import { found, passed } from '../finding.js';
import type { Check, LeftOut, Observation } from '../finding.js';
import type { Workbench } from '../workbench.js';
import { FleetRun, hasDiverged } from './fleetRun.js';

const STEPS = 3;
const DIGITS = 12;
/** With the lowest of rates, so the weights or the data are to blame. */
export const NOT_FINITE = `the first ${STEPS} steps end with nothing finite, even at next to no rate: see initial-loss`;

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

async function compare(bench: Workbench, where: string, threadCount: number): Promise<Observation | LeftOut> {
  const first = await firstSteps(bench);
  if (!first) return { leftOut: NOT_FINITE };
  const other = await runSteps(bench, threadCount);
  const expected = `the digest of one thread after ${STEPS} steps, ${first.digest.slice(0, DIGITS)}…`;
  const seen = other ? `${other.digest.slice(0, DIGITS)}… ${where}` : `nothing finite ${where}`;
  if (other?.digest === first.digest) return passed(expected, seen);
  return found('fail', {
    expected,
    seen,
    advice: 'the machine computes wrongly, or Lockstep does: test its memory, and report it with this output',
  });
}

/** On one thread; its speed serves the estimate of the run's time. Undefined if a loss or a gradient is not finite. */
export function firstSteps(bench: Workbench): Promise<Digest | undefined> {
  return bench.once('first steps', () => runSteps(bench, 1));
}

async function runSteps({ subject, signal }: Workbench, threadCount: number): Promise<Digest | undefined> {
  // A step of a large batch shows no more than one of a few micro-batches.
  const { microBatch, batchSize } = subject.recipe;
  const recipe = { ...tamed(subject.recipe), batchSize: Math.min(batchSize, 4 * microBatch) };
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
  } catch (error) {
    if (hasDiverged(error)) return undefined;
    throw error;
  } finally {
    await run.close();
  }
}

/** Whether a rate or a decay is too high is for another check to say: here the steps are to end with numbers. */
function tamed(recipe: Recipe): Recipe {
  const { lr, muonLr, weightDecay, shiftLrFactor } = recipe;
  return {
    ...recipe,
    lr: Math.min(lr, 1),
    muonLr: Math.min(muonLr, 1),
    weightDecay: Math.min(weightDecay, 1),
    shiftLrFactor: Math.min(shiftLrFactor, 100),
  };
}

const STEPS_OF_WARMUP = 1000;
