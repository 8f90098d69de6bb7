/**
 * Throws this process's wall clock back and forth, as an administrator, a virtual machine or a bad time server does:
 * LOCKSTEP_TEST_CLOCK="seed,hours". The monotonic clock goes on, as it does on a real machine. A node that is as it should
 * be reads no wall clock, and would show nothing of this: so it is said on the standard error that the clock does jump.
 */

import { isMainThread } from 'node:worker_threads';

const [seed, hours] = (process.env['LOCKSTEP_TEST_CLOCK'] ?? '1,48').split(',').map(Number);
const RealDate = Date;
const READINGS_A_JUMP = 7;
const HOUR_MS = 3_600_000;
let readings = 0;
let state = seed >>> 0 || 1;
let offsetMs = 0;

/** xorshift32: all that is wanted is another jump for another seed. */
function draw() {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) / 2 ** 32;
}

function now() {
  if (readings++ % READINGS_A_JUMP === 0) offsetMs = Math.round((2 * draw() - 1) * hours * HOUR_MS);
  return RealDate.now() + offsetMs;
}

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }

  static now() {
    return now();
  }
};

function jumps() {
  const first = now();
  return Array.from({ length: 2 * READINGS_A_JUMP }, now).some((time) => Math.abs(time - first) > HOUR_MS);
}

if (isMainThread && jumps()) process.stderr.write('the wall clock jumps by hours\n');
