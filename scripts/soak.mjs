/**
 * Trains under one fault after another, and compares the weights with those of an undisturbed run:
 *
 *   npm run soak -- --minutes 20 --seed 1 [--record DIR]
 *
 * The code is in test/faults/soak/, beside the faults, and runs in vitest like them.
 */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { startVitest } from 'vitest/node';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    record: { type: 'string' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed) || seed < 0) {
  console.error(
    `--minutes ${values.minutes} --seed ${values.seed}: minutes must be above 0, the seed a whole number`,
  );
  process.exit(2);
}
process.env.LOCKSTEP_SOAK = JSON.stringify({
  minutes,
  seed,
  record: values.record === undefined ? null : path.resolve(values.record),
});
const vitest = await startVitest('test', [], { config: 'vitest.soak.config.ts', watch: false });
await vitest.close();
