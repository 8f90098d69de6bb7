/**
 * Trains under one fault after another, and compares the weights with those of an undisturbed run:
 *
 *   npm run soak -- --minutes 20 --seed 1 [--record DIR]
 *
 * The code is in test/faults/soak/, beside the faults, and runs in vitest like them.
 */

import path from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = 'usage: npm run soak -- [--minutes 20] [--seed 1] [--record DIR]';

const { minutes, seed, record } = readOptions();
process.env.LOCKSTEP_SOAK = JSON.stringify({
  minutes,
  seed,
  record: record === undefined ? null : path.resolve(record),
});
const { startVitest } = await import('vitest/node');
const vitest = await startVitest('test', [], { config: 'vitest.soak.config.ts', watch: false });
await vitest.close();

function readOptions() {
  const options = { minutes: { type: 'string' }, seed: { type: 'string' }, record: { type: 'string' } };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    refuse(error.message);
  }
  const minutes = Number(values.minutes ?? 20);
  const seed = Number(values.seed ?? 1);
  if (!(minutes > 0 && Number.isFinite(minutes)))
    refuse(`--minutes ${values.minutes} must be a number above 0`);
  if (!Number.isSafeInteger(seed) || seed < 0) refuse(`--seed ${values.seed} must be an integer from 0`);
  return { minutes, seed, record: values.record };
}

function refuse(message) {
  console.error(`soak: ${message}; ${USAGE}`);
  process.exit(2);
}
